# Shared by deploy.sh and destroy.sh: the keys of the CDN's signed URLs, and the page that it serves.
# shellcheck shell=bash
# A private key is a SecureString of the Parameter Store, which the functions read; its public key is a parameter of the stack. There are
# two places for keys, 1 and 2, so that one can replace the other: first both are accepted and the new one signs, later the old one is
# removed. Here a private key is in a file that only this user may read, never in an argument or in what is printed.

rotate=no
next_key=   # what is to sign once the distribution knows it
old_key=    # what the distribution does not know any more

key_name() { say "/tintype/$stack/cdn-key-$1"; }
has_key() { found ssm get-parameter --name "$(key_name "$1")" --query Parameter.Name; }

make_key() {
	say "Making a key of the CDN's signed URLs: $(key_name "$1")"
	(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$scratch/cdn-key.pem" 2>"$scratch/error") ||
		fail "openssl cannot make a key: $(cat "$scratch/error")"
	call ssm put-parameter --name "$(key_name "$1")" --type SecureString --value "file://$scratch/cdn-key.pem" \
		--description "Signs the URLs of images of the stack $stack" >/dev/null
}

# The two lines of the public key, with a comma between them.
public_key() {
	(umask 077 && call ssm get-parameter --name "$(key_name "$1")" --with-decryption --query Parameter.Value >"$scratch/cdn-key.pem")
	openssl pkey -in "$scratch/cdn-key.pem" -pubout 2>"$scratch/error" | sed '/^-/d' | paste -s -d , - >"$scratch/public"
	grep -qE '^[A-Za-z0-9+/=]{64},[A-Za-z0-9+/=]{60}$' "$scratch/public" || fail "the parameter $(key_name "$1") is not a private key on P-256 in PEM"
	cat "$scratch/public"
}

key_time() { if found ssm get-parameter --name "$(key_name "$1")" --query Parameter.LastModifiedDate; then cat "$scratch/answer"; fi; }

# Argument: which key signs. A first run adds the other and lets it sign; the next one, of a later day, removes the older. Where a first run
# was interrupted between the two steps the key that signs is still the older one.
rotate_keys() {
	local other=$((3 - $1)) added
	if [ -z "$(stack_value "CdnKey$other")" ]; then
		has_key "$other" || make_key "$other"
		added=$(public_key "$other")
		given+=("CdnKey$other=$added")
		next_key=$other
	elif [[ $(key_time "$1") < $(key_time "$other") ]]; then
		next_key=$other
	else
		given+=("CdnKey$other=")
		old_key=$other
	fi
}

# Before the stack is changed: which keys it is to have.
choose_keys() {
	local signing added
	if [ "$(parameter Cdn)" != on ]; then
		[ "$rotate" = no ] || fail "--rotate-cdn-key is for a stack with Cdn=on"
		return 0
	fi
	signing=$(parameter CdnSigningKey)
	if [ "$(stack_value Cdn)" != on ]; then
		has_key 1 || make_key 1   # one that is there is of a deployment that failed
		added=$(public_key 1)
		given+=("CdnKey1=$added" CdnKey2= CdnSigningKey=1)
	elif [ "$rotate" = yes ]; then
		rotate_keys "$signing"
	elif ! has_key "$signing"; then
		fail "the private key $(key_name "$signing") is missing, without which no URL can be signed; this script does not replace it without being asked. Restore it, or run again with --rotate-cdn-key, which makes another one"
	fi
}

# After the stack was changed.
finish_cdn() {
	if [ -n "$next_key" ]; then
		say "From now on the new key signs ..."
		given+=("CdnSigningKey=$next_key")
		write_parameters >"$scratch/parameters.json"
		change_stack
		check_outcome
		say "URLs of the old key stay valid. When the last of them has expired, after 8 days at most, remove it: deploy/deploy.sh --rotate-cdn-key --stack $stack --region $region"
	fi
	if [ -n "$old_key" ]; then found ssm delete-parameter --name "$(key_name "$old_key")" || true; fi
	if [ "$(parameter Cdn)" = on ]; then
		call s3 sync web "s3://$(output_of BucketName)/page" --delete --exclude 'console/*' --cache-control no-cache --only-show-errors
		if [ -s "$scratch/old" ] && [ "$(stack_value Cdn)" != on ]; then
			say "Links to images that are public already lead to the CDN from now on, and to nothing until the sweep has copied them, which takes six weeks for all. At once: doc/delivery.md"
		fi
	elif [ -s "$scratch/old" ] && { has_key 1 || has_key 2; }; then
		remove_cdn
	fi
}

# Where the stack had a CDN, or an earlier stack of this name whose bucket it has: the page, and the copies of public images, since nothing
# removes the copy of an image that is deleted from now on. The keys go last: they show a run that is interrupted what is still to be done.
remove_cdn() {
	local bucket folder
	bucket=$(output_of BucketName)
	for folder in page public; do call s3 rm "s3://$bucket/$folder/" --recursive --only-show-errors; done
	remove_keys
}

remove_keys() {
	local one
	for one in 1 2; do found ssm delete-parameter --name "$(key_name "$one")" || true; done
}
