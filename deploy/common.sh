# Shared by the scripts beside it: messages, the AWS command line, and the stack's state.
# shellcheck shell=bash
# Bash 3.2 and version 2 of the AWS CLI are enough; nothing else is needed to call AWS.
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text
stack=tintype
stack_id=
region=
account=
partition=aws
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# A PNG of one pixel, 67 bytes.
make_picture() { base64 -d <<<'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==' >"$scratch/picture.png"; }

# A custom endpoint works with every version of the AWS CLI: those before 2.13 do not read AWS_ENDPOINT_URL themselves.
aws() { command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"; }

# Run an AWS command; if it fails, print a helpful message and exit.
call() {
	if ! aws --region "$region" "$@" 2>"$scratch/error"; then
		explain "$*"
	fi
}

# Run an AWS command that may find nothing: true when it succeeded, false when the resource does
# not exist; any other failure ends the script.
found() {
	if aws --region "$region" "$@" >"$scratch/answer" 2>"$scratch/error"; then
		return 0
	fi
	is_missing || explain "$*"
	return 1
}

# Whether the last failure was that the resource does not exist.
is_missing() {
	grep -qE 'NotFound|NoSuch|does not exist|Not Found|\(404\)|not found|Invalid API Key identifier|Invalid Usage Plan' "$scratch/error"
}

explain() {
	local said
	said=$(tr '\n' ' ' <"$scratch/error")
	case $said in
	*"Unable to locate credentials"* | *"could not be found"*profile* | *"config profile"*)
		fail "no AWS credentials were found. Run: aws configure   (doc/deploy.md, section 2). AWS said: $said" ;;
	*ExpiredToken* | *"expired"*)
		fail "the AWS credentials have expired; log in again, or run: aws configure. AWS said: $said" ;;
	*InvalidClientTokenId* | *UnrecognizedClient* | *SignatureDoesNotMatch* | *InvalidAccessKeyId* | *AuthFailure*)
		fail "AWS does not know these credentials; see: aws configure list. AWS said: $said" ;;
	*"Could not connect to the endpoint"* | *"Failed to connect"* | *"Invalid endpoint"* | *"Could not resolve"*)
		fail "AWS does not answer in the region '$region'. Is its name right (such as us-east-1), and is there a network? AWS said: $said" ;;
	*"Unknown options"*)
		fail "this AWS CLI is too old for: aws $1. Install a newer version (doc/deploy.md, section 2) and run again." ;;
	*OptInRequired* | *"is not enabled"*)
		fail "the region '$region' is not enabled for this account. AWS said: $said" ;;
	*AccessDenied* | *"not authorized"* | *UnauthorizedOperation*)
		fail "the AWS user may not do this: $1. Give it the rights of doc/deploy.md, section 1. AWS said: $said" ;;
	esac
	fail "aws $1 failed: $said"
}

check_cli() {
	local version
	type -P aws >/dev/null || fail "the AWS CLI is missing. Install it (doc/deploy.md, section 2), then: aws configure"
	version=$(command aws --version 2>&1 || true)
	case $version in aws-cli/2.*) ;; *) fail "version 2 of the AWS CLI is needed (doc/deploy.md, section 2), and 'aws' is ${version%% *}" ;; esac
}

choose_region() {
	check_cli
	if [ -z "$region" ]; then region=${REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-}}}; fi
	if [ -z "$region" ]; then region=$(aws configure get region || true); fi
	[ -n "$region" ] || fail "no region is set. Give --region, such as --region us-east-1, or run: aws configure"
	case $region in us-iso* | eu-iso* | eusc-*) fail "the region '$region' has domains and certificates of its own, which the functions do not know" ;; esac
	[[ $region =~ ^[a-z]{2}(-[a-z]+)+-[0-9]+$ ]] || fail "'$region' is not a region; a region looks like us-east-1"
	case $region in cn-*) partition=aws-cn ;; us-gov-*) partition=aws-us-gov ;; *) partition=aws ;; esac
	# What says a region elsewhere must not win over --region.
	export AWS_REGION=$region AWS_DEFAULT_REGION=$region
}

check_stack_name() {
	[[ $stack =~ ^[a-z][a-z0-9-]{0,19}$ ]] || fail "'$stack' cannot be the name of a stack: 1 to 20 lower-case letters, digits and hyphens, beginning with a letter"
}

read_account() {
	account=$(call sts get-caller-identity --query Account)
	# shellcheck disable=SC2034 # the scripts use it
	code_bucket=tintype-code-$account-$region-$stack
}

# Leaves in `status` CREATE_COMPLETE and so on, or NONE when there is no such stack; and its `stack_id`.
read_stack() {
	status=NONE
	stack_id=
	if found cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].[StackStatus,StackId]'; then
		read -r status stack_id <"$scratch/answer"
	fi
}

output_of() {
	call cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue | [0]"
}

# By the id, which a stack keeps when it is deleted between two calls; its name is free then.
list_events() {
	call cloudformation describe-stack-events --stack-name "$stack_id" --no-paginate \
		--query 'reverse(StackEvents)[].[EventId,ResourceStatus,LogicalResourceId,ResourceStatusReason]' >"$scratch/events"
}

# Before an update: earlier events are not shown.
skip_events() {
	list_events
	cut -f1 "$scratch/events" >"$scratch/seen"
}

show_events() {
	local id state name reason
	list_events
	while IFS=$'\t' read -r id state name reason; do
		grep -qxF "$id" "$scratch/seen" && continue
		say "$id" >>"$scratch/seen"
		case $reason in None | "") reason= ;; *) reason=": $reason" ;; esac
		printf '  %-28s %s%s\n' "$state" "$name" "$reason"
		case $state in *_FAILED) printf '%s\n' "$name$reason" >>"$scratch/failed" ;; esac
	done <"$scratch/events"
}

# Show the stack's events until it reaches a final state; leaves that state in `status`.
watch_stack() {
	while :; do
		read_stack
		if [ "$status" != NONE ]; then show_events; fi
		case $status in
		*_IN_PROGRESS) sleep "${TINTYPE_POLL_S:-5}" ;;
		*) return 0 ;;
		esac
	done
}
