#!/usr/bin/env bash
# Build tintype for Lambda, and create or update its stack.
#
#   deploy/deploy.sh [--stack NAME] [--region REGION] [--arch x86_64|arm64] [--zip FILE [--sha256 HEX]]
#                    [--auth none|cognito|oidc] [--admin-key] [--rotate-cdn-key] [PARAMETER=VALUE ...]
#
# PARAMETER is one of deploy/template.yaml's, such as Profile=production or AlarmEmail=me@example.org, or Budget=on|off.
# Parameters and the architecture of an earlier deployment that are not given now keep their values. --zip names a package
# that is already built; it must have the SHA-256 HEX, or that in SHA256SUMS beside it, if there is one. Where tintype cannot be built, that of
# the release is taken, if it is in this folder with SHA256SUMS. --auth is the parameter Auth. With users, or with
# --admin-key, there is an administrator's key, in a parameter of Systems Manager. Credentials, AWS_PROFILE and AWS_ENDPOINT_URL are the AWS
# CLI's own.
# --rotate-cdn-key replaces the key of the CDN's signed URLs in two runs: the first adds a new one, which signs from then on, a later one
# removes the old one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh
# shellcheck source=deploy/resources.sh
. deploy/resources.sh
# shellcheck source=deploy/names.sh
. deploy/names.sh
# shellcheck source=deploy/package.sh
. deploy/package.sh
# shellcheck source=deploy/budget.sh
. deploy/budget.sh
# shellcheck source=deploy/auth.sh
. deploy/auth.sh
# shellcheck source=deploy/cdn.sh
. deploy/cdn.sh

arch=
zip=
sha256=
budget=
admin_key=no
given=()
fixed="BucketName TableName FunctionPrefix ApiName UserPoolArn AuthDomainPrefix"   # parameters that cannot change: see check_changes

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--stack | --region | --arch | --zip | --sha256 | --auth)
			[ $# -ge 2 ] || fail "$1 needs a value"
			case $1 in --stack) stack=$2 ;; --region) region=$2 ;; --arch) arch=$2 ;; --zip) zip=$2 ;; --sha256) sha256=$2 ;; --auth) given+=("Auth=$2") ;; esac
			shift ;;
		--rotate-cdn-key) rotate=yes ;;
		-h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p;}' deploy/deploy.sh; exit 0 ;;
		--admin-key) admin_key=yes ;;
		Budget=on | Budget=off) budget=${1#*=} ;;
		*=*) given+=("$1") ;;
		*) fail "unknown argument '$1'; see deploy/deploy.sh --help" ;;
		esac
		shift
	done
	case $arch in "" | x86_64 | arm64) ;; *) fail "--arch is x86_64 or arm64, not '$arch'" ;; esac
}

# The names of the template's parameters, which are indented by two columns.
parameter_names() { sed -n '/^Parameters:/,/^Rules:/s/^  \([A-Za-z0-9]*\):$/\1/p' deploy/template.yaml; }

check_given() {
	local one name
	for one in ${given[@]+"${given[@]}"}; do
		name=${one%%=*}
		case $name in
		CodeBucket | CodeKey | CdnKey1 | CdnKey2 | CdnSigningKey) fail "$name is set by this script" ;;
		Architecture) fail "give --arch ${one#*=} in place of $one" ;;
		Budget) fail "Budget is on or off, not '${one#*=}'" ;;
		esac
		parameter_names | grep -qx "$name" || fail "there is no parameter '$name'; there are: $(parameter_names | tr '\n' ' ')"
	done
}

is_given() { printf '%s\n' ${given[@]+"${given[@]}"} | grep -q "^$1="; }

# The last value that is given for a parameter; nothing if there is none.
given_value() { printf '%s\n' ${given[@]+"${given[@]}"} | sed -n "s/^$1=//p" | tail -n 1; }

read_parameters() {
	: >"$scratch/old"
	if [ "$status" != NONE ]; then
		call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' >"$scratch/old"
	fi
}

in_stack() { grep -q "^$1"$'\t' "$scratch/old"; }
stack_value() { sed -n "s/^$1"$'\t'"//p" "$scratch/old"; }

default_value() {
	sed -n "/^Parameters:/,/^Rules:/{/^  $1:\$/,/^  [A-Z][A-Za-z0-9]*:\$/s/^    Default: //p;}" deploy/template.yaml | sed 's/^"\(.*\)"$/\1/'
}

# What a parameter will be: what is given, else the stack's, else the template's default.
parameter() {
	if is_given "$1"; then given_value "$1"; elif in_stack "$1"; then stack_value "$1"; else default_value "$1"; fi
}

bucket_name() {
	local name
	name=$(parameter BucketName)
	say "${name:-$stack-images-$account-$region}"
}

check_state() {
	case $status in
	NONE | CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE | IMPORT_COMPLETE) ;;
	REVIEW_IN_PROGRESS | ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED | IMPORT_ROLLBACK_COMPLETE | IMPORT_ROLLBACK_FAILED)
		fail "the stack '$stack' is in the state $status: creating or deleting it failed, and it cannot be updated. Remove it with: deploy/destroy.sh --stack $stack --region $region   then deploy again." ;;
	UPDATE_ROLLBACK_FAILED)
		fail "the stack '$stack' is in the state $status. Bring it back with: aws cloudformation continue-update-rollback --region $region --stack-name $stack   then deploy again." ;;
	*_IN_PROGRESS) fail "the stack '$stack' is in the state $status: another operation is in progress. Wait until it has finished." ;;
	*) fail "the stack '$stack' is in the state $status, which this script does not handle" ;;
	esac
}

# Where CloudFormation reads the template: it is too large for a request.
template_url() {
	local domain=amazonaws.com
	if [ "$partition" = aws-cn ]; then domain=amazonaws.com.cn; fi
	say "${AWS_ENDPOINT_URL:-https://s3.$region.$domain}/$code_bucket/template.yaml"
}

# The parameters as the AWS CLI reads them from a file, so that commas in values need no escaping. A parameter that is
# not given keeps the stack's value, or else the template's default. DeliveryKeys and CdnSecret are made once; AWS shows them to nobody, so that the
# stack's is kept by name.
write_parameters() {
	local name value comma='['
	for name in $(parameter_names); do
		value=
		case $name in
		CodeBucket) value=$code_bucket ;;
		CodeKey) value=$code_key ;;
		Architecture) value=$arch ;;
		BucketName) value=$(bucket_name) ;;
		*)
			if is_given "$name"; then
				value=$(given_value "$name")
			elif in_stack "$name"; then
				printf '%s{"ParameterKey":"%s","UsePreviousValue":true}\n' "$comma" "$name"
				comma=,
				continue
			elif [ "$name" = DeliveryKeys ] || [ "$name" = CdnSecret ]; then
				value=$(openssl rand -hex 32)
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

# A deployment is a snapshot of the API, and CloudFormation makes a new one only for a new logical name. So the name gets a hash of all
# that the API is made of: the template, and the parameters that can be shown. The code is not part of it.
write_template() {
	local hash name secret
	secret=$(awk '/^  [A-Za-z]+:$/ { name = substr($1, 1, length($1) - 1) } /^    NoEcho: true$/ { printf "%s|", name }' deploy/template.yaml)
	cat deploy/template.yaml >"$scratch/hashed"
	for name in $(parameter_names | grep -vxE "${secret}CodeBucket|CodeKey"); do say "$name=$(parameter "$name")" >>"$scratch/hashed"; done
	hash=$(openssl dgst -sha256 -r "$scratch/hashed" | cut -c1-10)
	sed -E "s/^  Deployment:\$/  Deployment$hash:/; s/!Ref Deployment([^A-Za-z0-9]|\$)/!Ref Deployment$hash\1/" deploy/template.yaml
}

is_production() { [ "$(parameter Profile)" = production ]; }

change_stack() {
	local -a what
	# shellcheck disable=SC2054 # the comma is the AWS CLI's
	what=(--stack-name "$stack" --template-url "$(template_url)" --capabilities CAPABILITY_IAM
		--parameters "file://$scratch/parameters.json" --tags Key=project,Value=tintype "Key=stack,Value=$stack")
	: >"$scratch/seen"
	: >"$scratch/failed"
	if [ "$status" = NONE ]; then
		say "Creating the stack '$stack' in $region ..."
		if is_production; then what+=(--enable-termination-protection); fi
		call cloudformation create-stack "${what[@]}" >/dev/null
	else
		say "Updating the stack '$stack' in $region ..."
		if is_production; then call cloudformation update-termination-protection --stack-name "$stack" --enable-termination-protection >/dev/null; fi
		skip_events
		if ! aws --region "$region" cloudformation update-stack "${what[@]}" >/dev/null 2>"$scratch/error"; then
			grep -q 'No updates are to be performed' "$scratch/error" || explain "cloudformation update-stack"
			say "Nothing has changed."
			status=UPDATE_COMPLETE   # after a rollback too, which went back to the same
			return 0
		fi
	fi
	watch_stack
}

check_outcome() {
	case $status in CREATE_COMPLETE | UPDATE_COMPLETE) return 0 ;; esac
	say "The first failure: $(grep -v -i cancelled "$scratch/failed" | head -n 1)" >&2
	check_state
	fail "the stack is as it was before (state $status); fix the cause and deploy again"
}

# A new account may run ten functions at once, all of the account's in this region together.
print_concurrency() {
	local most
	most=$(aws --region "$region" lambda get-account-settings --query AccountLimit.ConcurrentExecutions 2>/dev/null) || return 0
	printf 'This account may run %s functions at once in %s.\n' "$most" "$region"
	if [ "$most" -lt 100 ]; then
		say "More requests at the same time are refused. To ask for more, which costs nothing:"
		say "  aws service-quotas request-service-quota-increase --region $region --service-code lambda --quota-code L-B99A9384 --desired-value 1000"
	fi
}

# After AlarmEmail has been checked by CloudFormation.
apply_budget() {
	local address
	if [ -z "$budget" ] && ! is_given AlarmEmail; then return 0; fi
	if [ -z "$budget" ] && ! has_budget; then return 0; fi
	remove_budget
	address=$(parameter AlarmEmail)
	if [ "$budget" = off ] || [ -z "$address" ]; then return 0; fi
	make_budget "$address"
	say "A budget of 1 dollar a month over the whole account is reported to $address."
}

finish() {
	local url needed key
	remove_older_code
	apply_budget
	url=$(output_of InvokeUrl)
	needed=$(parameter ApiKeyRequired)
	key=
	printf '\nThe API is at %s\n' "$url"
	if [ "$(parameter Cdn)" = on ]; then printf 'The page is at %s\n' "$(output_of PageUrl)"; fi
	if [ "$(parameter Auth)" != none ]; then
		print_users "$url"
	elif [ "$needed" = all ]; then
		key=" -H \"x-api-key: \$key\""
		printf 'Every call requires the API key (ApiKeyRequired=delete opens all but deleting to anyone). To try it:\n\n'
		# shellcheck disable=SC2016 # what the reader is to type
		printf '  key=$(aws apigateway get-api-key --region %s --api-key %s --include-value --query value --output text)\n' "$region" "$(output_of ApiKeyId)"
	else
		printf 'Anyone who knows this address may upload, list and view all images (ApiKeyRequired=%s). To try it:\n\n' "$needed"
	fi
	if [ "$(parameter Auth)" = none ]; then printf '  curl -s%s %s/upload -d '"'"'{"fileName":"cat.jpg","fileType":"image/jpeg","fileSize":12345}'"'"'\n\n' "$key" "$url"; fi
	print_admin_key
	printf 'To test it:     deploy/smoke.sh --stack %s --region %s\n' "$stack" "$region"
	printf 'To remove it:   deploy/destroy.sh --stack %s --region %s\n' "$stack" "$region"
}

read_arguments "$@"
check_stack_name
check_given
choose_region
read_account
read_stack
check_state
read_parameters
check_changes
check_users
[ "$budget" != on ] || [ -n "$(parameter AlarmEmail)" ] || fail "Budget=on needs an address: AlarmEmail=..."
case $status in NONE | IMPORT_COMPLETE) check_names ;; esac
choose_package
choose_admin_key
choose_oidc_origins
choose_keys
upload_package
write_parameters >"$scratch/parameters.json"
change_stack
check_outcome
finish_cdn
finish
print_concurrency
