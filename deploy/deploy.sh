#!/usr/bin/env bash
# Build tintype for Lambda, and create or update its stack.
#
#   deploy/deploy.sh [--stack NAME] [--region REGION] [--arch x86_64|arm64] [--zip FILE] [PARAMETER=VALUE ...]
#
# PARAMETER is one of deploy/template.yaml's, such as Profile=production or AlarmEmail=me@example.org;
# parameters of an earlier deployment that are not given now keep their values. --zip names a package that is
# already built. Credentials, AWS_PROFILE and AWS_ENDPOINT_URL are the AWS CLI's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

arch=x86_64
zip=
given=()

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--stack | --region | --arch | --zip)
			[ $# -ge 2 ] || fail "$1 needs a value"
			case $1 in --stack) stack=$2 ;; --region) region=$2 ;; --arch) arch=$2 ;; --zip) zip=$2 ;; esac
			shift ;;
		-h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p;}' deploy/deploy.sh; exit 0 ;;
		*=*) given+=("$1") ;;
		*) fail "unknown argument '$1'; see deploy/deploy.sh --help" ;;
		esac
		shift
	done
	case $arch in x86_64 | arm64) ;; *) fail "--arch is x86_64 or arm64, not '$arch'" ;; esac
}

# The names of the template's parameters, which are indented by two columns.
parameter_names() { sed -n '/^Parameters:/,/^Rules:/s/^  \([A-Za-z]*\):$/\1/p' deploy/template.yaml; }

check_given() {
	local one name
	for one in ${given[@]+"${given[@]}"}; do
		name=${one%%=*}
		case $name in
		CodeBucket | CodeKey) fail "$name is set by this script" ;;
		Architecture) fail "give --arch ${one#*=} in place of $one" ;;
		esac
		parameter_names | grep -qx "$name" || fail "there is no parameter '$name'; there are: $(parameter_names | tr '\n' ' ')"
	done
}

given_value() {
	local one
	for one in ${given[@]+"${given[@]}"}; do
		if [ "${one%%=*}" = "$1" ]; then say "${one#*=}"; fi
	done
}

check_state() {
	case $status in
	NONE | CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE) ;;
	REVIEW_IN_PROGRESS | ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED)
		fail "the stack '$stack' is in the state $status: creating or deleting it failed, and it cannot be updated. Remove it with: deploy/destroy.sh --stack $stack --region $region   then deploy again." ;;
	UPDATE_ROLLBACK_FAILED)
		fail "the stack '$stack' is in the state $status. Bring it back with: aws cloudformation continue-update-rollback --region $region --stack-name $stack   then deploy again." ;;
	*_IN_PROGRESS) fail "the stack '$stack' is in the state $status: another operation is in progress. Wait until it has finished." ;;
	*) fail "the stack '$stack' is in the state $status, which this script does not handle" ;;
	esac
}

# Only before the first creation, while nothing has been created.
check_bucket() {
	if aws --region "$region" s3api head-bucket --bucket "$bucket" >/dev/null 2>"$scratch/error"; then
		fail "the bucket '$bucket' already exists and belongs to this account, but not to the stack '$stack'. Give another name: BucketName=..."
	fi
	grep -qE '\((404|403|301|400)\)' "$scratch/error" || explain "s3api head-bucket --bucket $bucket"
	grep -qF '(404)' "$scratch/error" ||
		fail "the bucket name '$bucket' belongs to another account: names are shared by all of AWS. Give another one: BucketName=..."
}

package() {
	if [ -z "$zip" ]; then
		say "Building for $arch ..."
		make lambda ARCH="$arch"
		zip=build/lambda/tintype-lambda-$arch.zip
	fi
	[ -s "$zip" ] || fail "there is no package at $zip"
	code_key=$(openssl dgst -sha256 -r "$zip" | cut -c1-32).zip
}

upload_package() {
	if ! found s3api head-bucket --bucket "$code_bucket"; then
		if [ "$region" = us-east-1 ]; then
			call s3api create-bucket --bucket "$code_bucket" >/dev/null
		else
			call s3api create-bucket --bucket "$code_bucket" --create-bucket-configuration "LocationConstraint=$region" >/dev/null
		fi
		call s3api put-public-access-block --bucket "$code_bucket" --public-access-block-configuration \
			BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
	fi
	say "Uploading $(($(wc -c <"$zip") / 1024)) KiB of code to s3://$code_bucket/$code_key"
	call s3api put-object --bucket "$code_bucket" --key "$code_key" --body "$zip" >/dev/null
	call s3api put-object --bucket "$code_bucket" --key template.yaml --body deploy/template.yaml >/dev/null
}

# Where CloudFormation reads the template: it is too large for a request.
template_url() {
	local domain=amazonaws.com
	case $region in cn-*) domain=amazonaws.com.cn ;; esac
	say "${AWS_ENDPOINT_URL:-https://s3.$region.$domain}/$code_bucket/template.yaml"
}

# The parameters as the AWS CLI reads them from a file, so that commas in values need no escaping. A parameter that is
# not given keeps the stack's value, or else the template's default. DeliveryKeys is made once; AWS shows it to nobody, so that the
# stack's is kept by name.
write_parameters() {
	local name value comma='' previous
	: >"$scratch/old"
	if [ "$status" != NONE ]; then
		call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' >"$scratch/old"
	fi
	say '['
	for name in $(parameter_names); do
		case $name in
		DeliveryKeys)
			previous=$(grep "^$name"$'\t' "$scratch/old" || true)
			if given_value "$name" | grep -q ""; then
				value=$(given_value "$name" | tail -n 1)
			elif [ -z "$previous" ]; then
				value=$(openssl rand -hex 32)
			else
				printf '%s{"ParameterKey":"%s","UsePreviousValue":true}\n' "$comma" "$name"
				comma=,
				continue
			fi ;;
		CodeBucket) value=$code_bucket ;;
		CodeKey) value=$code_key ;;
		Architecture) value=$arch ;;
		*)
			if given_value "$name" | grep -q ""; then
				value=$(given_value "$name" | tail -n 1)
			elif grep -q "^$name"$'\t' "$scratch/old"; then
				value=$(sed -n "s/^$name"$'\t//p' "$scratch/old")
			elif [ "$name" = BucketName ]; then
				value=$bucket
			else
				continue
			fi ;;
		esac
		value=${value//\\/\\\\}
		printf '%s{"ParameterKey":"%s","ParameterValue":"%s"}\n' "$comma" "$name" "${value//\"/\\\"}"
		comma=,
	done
	say ']'
}

change_stack() {
	local -a what
	# shellcheck disable=SC2054 # the comma is the AWS CLI's
	what=(--stack-name "$stack" --template-url "$(template_url)" --capabilities CAPABILITY_IAM
		--parameters "file://$scratch/parameters.json" --tags Key=project,Value=tintype "Key=stack,Value=$stack")
	: >"$scratch/seen"
	: >"$scratch/failed"
	if [ "$status" = NONE ]; then
		say "Creating the stack '$stack' in $region ..."
		call cloudformation create-stack "${what[@]}" >/dev/null
	else
		say "Updating the stack '$stack' in $region ..."
		skip_events
		if ! aws --region "$region" cloudformation update-stack "${what[@]}" >/dev/null 2>"$scratch/error"; then
			grep -q 'No updates are to be performed' "$scratch/error" || explain "cloudformation update-stack"
			say "Nothing has changed."
		fi
	fi
	watch_stack
}

check_outcome() {
	case $status in CREATE_COMPLETE | UPDATE_COMPLETE) return 0 ;; esac
	if grep -qE 'Bucket.*already exists' "$scratch/failed"; then
		say "The bucket name is taken: give another one, BucketName=..." >&2
	fi
	say "The first failure: $(grep -v -i cancelled "$scratch/failed" | head -n 1)" >&2
	check_state
	fail "the stack is as it was before (state $status); fix the cause and deploy again"
}

finish() {
	local url id needed key
	id=$(output_of ApiId)
	# CloudFormation deploys only the first snapshot of the API to its stage; this deploys the newest.
	if [ "$was" != NONE ]; then
		call apigateway create-deployment --rest-api-id "$id" --stage-name prod >/dev/null
	fi
	call s3 rm "s3://$code_bucket" --recursive --exclude "$code_key" --only-show-errors   # older code, and the template
	url=$(output_of InvokeUrl)
	needed=$(call cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Parameters[?ParameterKey=='ApiKeyRequired'].ParameterValue | [0]")
	key=
	printf '\nThe API is at %s\n' "$url"
	if [ "$needed" = all ]; then
		key=" -H \"x-api-key: \$key\""
		printf 'Every call requires the API key (ApiKeyRequired=delete opens all but deleting to anyone). To try it:\n\n'
		# shellcheck disable=SC2016 # what the reader is to type
		printf '  key=$(aws apigateway get-api-key --region %s --api-key %s --include-value --query value --output text)\n' "$region" "$(output_of ApiKeyId)"
	else
		printf 'Anyone who knows this address may upload, list and view all images (ApiKeyRequired=%s). To try it:\n\n' "$needed"
	fi
	printf '  curl -s%s %s/upload -d '"'"'{"fileName":"cat.jpg","fileType":"image/jpeg"}'"'"'\n\n' "$key" "$url"
	printf 'To test it:     deploy/smoke.sh --stack %s --region %s\n' "$stack" "$region"
	printf 'To remove it:   deploy/destroy.sh --stack %s --region %s\n' "$stack" "$region"
}

read_arguments "$@"
check_stack_name
check_given
choose_region
who_am_i
status=$(stack_status)
was=$status
check_state
bucket=$(given_value BucketName | tail -n 1)
bucket=${bucket:-$stack-images-$account-$region}
if [ "$status" = NONE ]; then check_bucket; fi
package
upload_package
write_parameters >"$scratch/parameters.json"
change_stack
check_outcome
finish
