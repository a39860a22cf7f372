# Part of deploy.sh: the package of the functions, and the bucket that CloudFormation reads it from.
# shellcheck shell=bash

# The first bytes of the Lambda program in the package.
program_head() {
	if command -v unzip >/dev/null; then
		{ unzip -p "$zip" bootstrap 2>/dev/null || true; } | head -c 20
	elif command -v python3 >/dev/null; then
		python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("bootstrap")[:20])' "$zip" 2>/dev/null || true
	else
		fail "unzip is missing; install it with your system's package manager"
	fi
}

# The architecture of the package is that of its program: e_machine of the ELF header.
check_architecture() {
	local machine
	machine=$(program_head | od -An -v -tu1 | tr -s ' \n' ' ' | cut -d ' ' -f 2-5,20,21)
	case $machine in
	"127 69 76 70 62 0") machine=x86_64 ;;
	"127 69 76 70 183 0") machine=arm64 ;;
	*) fail "$zip is not a package of the functions: it has no program 'bootstrap' for Linux" ;;
	esac
	[ "$machine" = "$arch" ] || fail "$zip is for $machine, and the stack is to have $arch: give --arch $machine, or another package"
}

# What SHA256SUMS, as a release has it, says of the package; nothing when it is not beside it.
listed_sum() {
	local list
	list=$(dirname "$zip")/SHA256SUMS
	if [ -f "$list" ]; then awk -v name="$(basename "$zip")" '$2 == name { print $1 }' "$list"; fi
}

check_sum() {
	local seen
	seen=$(openssl dgst -sha256 -r "$zip" | cut -d ' ' -f 1)
	code_key=$(cut -c1-32 <<<"$seen").zip
	if [ -z "$sha256" ]; then sha256=$(listed_sum); fi
	[ -z "$sha256" ] || [ "$sha256" = "$seen" ] || fail "$zip has the SHA-256 $seen, and must have $sha256: get it again, from where you trust"
}

# Without --zip the package is built. Where it cannot be, that of the release is taken, if it is here with its checksum.
choose_package() {
	local version
	arch=${arch:-$(parameter Architecture)}
	if [ -z "$zip" ] && command -v apt-get >/dev/null; then
		say "Building for $arch ..."
		make lambda ARCH="$arch"
		zip=build/lambda/tintype-lambda-$arch.zip
	elif [ -z "$zip" ]; then
		version=$(sed -n "s/.*version: '\([0-9.]*\)'.*/\1/p" meson.build | head -n 1)
		zip=tintype-$version-lambda-$arch.zip
		if ! [ -f "$zip" ] || [ -z "$(listed_sum)" ]; then
			fail "tintype can only be built where there is apt-get. Build in a container, or put $zip and SHA256SUMS of the release here (doc/deploy.md, section 3)"
		fi
		say "Taking the package $zip"
	fi
	[ -s "$zip" ] || fail "there is no package at $zip"
	check_sum
	check_architecture
}

# Each request names the owner, so that nothing is sent to, nor read from, a bucket that somebody else made under this name.
upload_package() {
	local -a mine=(--bucket "$code_bucket" --expected-bucket-owner "$account")
	if ! aws --region "$region" s3api head-bucket "${mine[@]}" 2>"$scratch/error"; then
		if grep -qF '(403)' "$scratch/error"; then
			fail "the bucket '$code_bucket', which is to hold the code, belongs to another account, or this user may not use it. Give the stack another name: --stack NAME"
		fi
		is_missing || explain "s3api head-bucket --bucket $code_bucket"
		if [ "$region" = us-east-1 ]; then
			call s3api create-bucket --bucket "$code_bucket" >/dev/null
		else
			call s3api create-bucket --bucket "$code_bucket" --create-bucket-configuration "LocationConstraint=$region" >/dev/null
		fi
		call s3api put-public-access-block "${mine[@]}" --public-access-block-configuration \
			BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
	fi
	say "Uploading $(($(wc -c <"$zip") / 1024)) KiB of code to s3://$code_bucket/$code_key"
	write_template >"$scratch/template.yaml"
	call s3api put-object "${mine[@]}" --key "$code_key" --body "$zip" >/dev/null
	call s3api put-object "${mine[@]}" --key template.yaml --body "$scratch/template.yaml" >/dev/null
}

# After a success: older code, and the template.
remove_older_code() {
	local key
	call s3api list-objects-v2 --bucket "$code_bucket" --expected-bucket-owner "$account" --query "Contents[?Key!='$code_key'].[Key]" >"$scratch/older"
	while read -r key; do
		if [ "$key" != None ]; then call s3api delete-object --bucket "$code_bucket" --expected-bucket-owner "$account" --key "$key" </dev/null >/dev/null; fi
	done <"$scratch/older"
}
