#!/usr/bin/env bash
# Remove a stack of tintype with everything in it, and verify that nothing is left.
#
#   deploy/destroy.sh [--stack NAME] [--region REGION] [--yes]
#
# Lists what will be deleted and asks for the stack's name, unless --yes. Then removes, in this order: API,
# functions, bucket (emptied with all versions first), table, roles, log groups, the rest of the stack,
# the budget and the bucket of the code. Only what this stack made is touched. If the stack itself was deleted already, what that
# left of its data is removed. Each step may be repeated: after a failure, run it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh
# shellcheck source=deploy/resources.sh
. deploy/resources.sh
# shellcheck source=deploy/budget.sh
. deploy/budget.sh
# shellcheck source=deploy/auth.sh
. deploy/auth.sh
# shellcheck source=deploy/cdn.sh
. deploy/cdn.sh

yes=no

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--stack | --region)
			[ $# -ge 2 ] || fail "$1 needs a value"
			case $1 in --stack) stack=$2 ;; --region) region=$2 ;; esac
			shift ;;
		--yes) yes=yes ;;
		-h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p;}' deploy/destroy.sh; exit 0 ;;
		*) fail "unknown argument '$1'; see deploy/destroy.sh --help" ;;
		esac
		shift
	done
}

# Leaves the stack's own resources in $scratch/resources, a line each, type, tab, name or id, and in $scratch/foreign what has the name of
# one of them, and is not. Stacks that were deleted have still rows for what that kept.
list_resources() {
	local id type name
	: >"$scratch/resources"
	: >"$scratch/foreign"
	: >"$scratch/all"
	if [ "$status" != NONE ]; then
		read_rows "$stack" "ResourceStatus!='DELETE_COMPLETE' && ResourceStatus!='CREATE_FAILED'"
		cat "$scratch/rows" >"$scratch/all"
	else
		call cloudformation list-stacks --stack-status-filter DELETE_COMPLETE --query "StackSummaries[?StackName=='$stack'].[StackId]" >"$scratch/deleted"
		for id in $(grep -v '^None$' "$scratch/deleted" || true); do
			read_rows "$id" "ResourceStatus=='DELETE_SKIPPED'"
			cat "$scratch/rows" >>"$scratch/all"
		done
	fi
	while IFS=$'\t' read -r type name; do
		if is_own "$type" "$name" </dev/null; then
			printf '%s\t%s\n' "$type" "$name" >>"$scratch/resources"
		elif [ "$exists" = yes ]; then
			printf '%s\t%s\n' "$type" "$name" >>"$scratch/foreign"
		fi
	done < <(awk '!seen[$0]++' "$scratch/all")
	if [ "$status" != NONE ]; then list_earlier_pool; fi
}

# The user pool of an earlier stack of this name, which this one has taken up: no row of it names the pool.
list_earlier_pool() {
	local pool
	pool=$(call cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Parameters[?ParameterKey=='UserPoolArn'].ParameterValue | [0]")
	case $pool in arn:*:userpool/*) pool=${pool##*/} ;; *) return 0 ;; esac
	if is_kept AWS::Cognito::UserPool "$pool"; then printf 'AWS::Cognito::UserPool\t%s\n' "$pool" >>"$scratch/resources"; fi
}

is_own() {
	if [ "$status" != NONE ]; then
		is_of_stack "$1" "$2" "$stack_id"
	else
		exists=no
		case $1 in AWS::DynamoDB::Table | AWS::S3::Bucket | AWS::Cognito::UserPool) is_kept "$1" "$2" ;; *) return 1 ;; esac
	fi
}

# The ids of one type, such as ids Lambda::Function.
ids() { awk -F '\t' -v type="AWS::$1" '$1 == type { print $2 }' "$scratch/resources"; }

count_objects() {
	local n
	if ! found s3api list-object-versions --bucket "$1" --expected-bucket-owner "$account" --no-paginate --max-keys 1000 --output json --query '[Versions, DeleteMarkers][].{Key: Key}'; then
		say "is already deleted"
		return 0
	fi
	n=$(grep -c '"Key": "' "$scratch/answer" || true)
	if [ "$n" -ge 1000 ]; then n="1000 or more"; fi
	say "holds $n objects, counting every version"
}

print_foreign() {
	local type name
	while IFS=$'\t' read -r type name; do
		say "  not touched: $type $name, which carries no tag of this stack; see doc/troubleshooting.md"
	done <"$scratch/foreign"
}

print_losses() {
	local one
	say "This removes the stack '$stack' in $region (account $account). This will be permanently deleted:"
	for one in $(ids S3::Bucket); do say "  bucket $one $(count_objects "$one")"; done
	for one in $(ids DynamoDB::Table); do
		if found dynamodb describe-table --table-name "$one" --query 'Table.ItemCount'; then
			say "  table $one holds about $(cat "$scratch/answer") rows, by DynamoDB's last count, up to six hours old"
		fi
	done
	for one in $(ids Cognito::UserPool); do say "  user pool $one, with all users"; done
	for one in $(ids Logs::LogGroup); do say "  log group $one"; done
	for one in $(ids Lambda::Function); do say "  function $one"; done
	for one in $(ids ApiGateway::RestApi); do say "  API $one, and its URL, which a later deployment cannot restore"; done
	if [ "$status" != NONE ]; then say "  and its queues, roles, alarms, dashboard, keys and budget"; fi
}

ask() {
	local answer=
	if [ "$yes" = yes ]; then return 0; fi
	[ -t 0 ] || [ -n "${TINTYPE_ASK_STDIN:-}" ] || fail "not interactive; pass --yes to delete all of this"
	printf 'Type the name of the stack to go on: '
	read -r answer || true
	[ "$answer" = "$stack" ] || fail "nothing was removed"
}

remove_api() {
	local api plan one
	for plan in $(ids ApiGateway::UsagePlan); do
		for api in $(ids ApiGateway::RestApi); do
			found apigateway update-usage-plan --usage-plan-id "$plan" --patch-operations "op=remove,path=/apiStages,value=$api:prod" || true
		done
		found apigateway delete-usage-plan --usage-plan-id "$plan" || true
	done
	for one in $(ids ApiGateway::ApiKey); do found apigateway delete-api-key --api-key "$one" || true; done
	for api in $(ids ApiGateway::RestApi); do
		say "  API $api"
		found apigateway delete-rest-api --rest-api-id "$api" || true
	done
}

remove_functions() {
	local one
	for one in $(ids Lambda::EventSourceMapping); do found lambda delete-event-source-mapping --uuid "$one" || true; done
	for one in $(ids Lambda::Function); do
		say "  function $one"
		found lambda delete-function --function-name "$one" || true
	done
}

abort_uploads() {
	local key id
	call s3api list-multipart-uploads --bucket "$1" --expected-bucket-owner "$account" --query 'Uploads[].[Key,UploadId]' >"$scratch/uploads"
	while IFS=$'\t' read -r key id; do
		if [ -n "$id" ]; then found s3api abort-multipart-upload --bucket "$1" --expected-bucket-owner "$account" --key "$key" --upload-id "$id" || true; fi
	done <"$scratch/uploads"
}

# Every version and every delete marker, a thousand a call. False when there is no such bucket.
empty_bucket() {
	local removed=0 n
	while :; do
		# shellcheck disable=SC2016 # the backticks are JMESPath's
		found s3api list-object-versions --bucket "$1" --expected-bucket-owner "$account" --no-paginate --max-keys 1000 --output json \
			--query '{Quiet: `true`, Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}' || return 1
		n=$(grep -c '"Key": "' "$scratch/answer" || true)
		if [ "$n" -eq 0 ]; then break; fi
		mv "$scratch/answer" "$scratch/delete.json"
		[ -z "$(call s3api delete-objects --bucket "$1" --expected-bucket-owner "$account" --delete "file://$scratch/delete.json" --query 'Errors[0].Message' | grep -v '^None$' || true)" ] ||
			fail "S3 did not delete all objects of $1; is there a legal hold or another policy on it?"
		removed=$((removed + n))
		say "    $removed objects deleted"
	done
	abort_uploads "$1"
}

# An upload URL that is still valid may add an object meanwhile: then repeat.
remove_bucket() {
	local try
	say "  bucket $1"
	for try in 1 2 3 4 5; do
		empty_bucket "$1" || return 0
		if aws --region "$region" s3api delete-bucket --bucket "$1" --expected-bucket-owner "$account" 2>"$scratch/error"; then return 0; fi
		grep -q BucketNotEmpty "$scratch/error" || explain "s3api delete-bucket --bucket $1"
	done
	fail "the bucket $1 fills up faster than it can be emptied; stop the clients that upload"
}

remove_table() {
	say "  table $1"
	# The AWS CLI of Debian 12 does not show the protection, so what DynamoDB answers decides.
	if ! aws --region "$region" dynamodb delete-table --table-name "$1" >/dev/null 2>"$scratch/error"; then
		case $(cat "$scratch/error") in
		*ResourceNotFoundException*) return 0 ;;
		*protected*)
			call dynamodb update-table --table-name "$1" --no-deletion-protection-enabled >/dev/null
			call dynamodb delete-table --table-name "$1" >/dev/null ;;
		*) explain "dynamodb delete-table --table-name $1" ;;
		esac
	fi
	call dynamodb wait table-not-exists --table-name "$1"
}

# Each role has one inline policy.
remove_role() {
	say "  role $1"
	found iam delete-role-policy --role-name "$1" --policy-name own || true
	found iam delete-role --role-name "$1" || true
}

# From here on the code's bucket counts as the stack's, so that the verification includes it.
remove_code() {
	if ! aws --region "$region" s3api head-bucket --bucket "$code_bucket" --expected-bucket-owner "$account" 2>"$scratch/error"; then
		grep -qE '\((403|404)\)' "$scratch/error" || explain "s3api head-bucket --bucket $code_bucket"
		return 0
	fi
	printf 'AWS::S3::Bucket\t%s\n' "$code_bucket" >>"$scratch/resources"
	remove_bucket "$code_bucket"
}

# CloudFormation treats resources that are gone already as deleted. Where it does not, it is instructed to retain them.
remove_stack() {
	local left
	say "  the rest of the stack"
	: >"$scratch/seen"
	: >"$scratch/failed"
	: >"$scratch/undeleted"
	if [ "$status" = NONE ]; then return 0; fi
	call cloudformation update-termination-protection --stack-name "$stack" --no-enable-termination-protection >/dev/null
	skip_events
	call cloudformation delete-stack --stack-name "$stack"
	watch_stack
	if [ "$status" = DELETE_FAILED ]; then
		call cloudformation list-stack-resources --stack-name "$stack" \
			--query "StackResourceSummaries[?ResourceStatus=='DELETE_FAILED'].[ResourceType,PhysicalResourceId,LogicalResourceId]" >"$scratch/undeleted"
		left=$(cut -f 3 "$scratch/undeleted" | tr '\n' ' ')
		# shellcheck disable=SC2086 # names without blanks, each an argument
		call cloudformation delete-stack --stack-name "$stack" --retain-resources $left
		watch_stack
	fi
}

# What CloudFormation could not delete, of the kinds that no list below has; parts of an API and policies go with what they belong to.
list_undeleted() {
	local type id name
	while IFS=$'\t' read -r type id name; do
		case $type in AWS::ApiGateway::* | AWS::*Policy | AWS::Lambda::Permission | AWS::SNS::Subscription) continue ;; esac
		if [ ! -e "$scratch/left-${type#AWS::}" ]; then say "  $name ($type) $id: CloudFormation could not delete it"; fi
	done <"$scratch/undeleted"
}

# Print what is left of one kind, of the names and ids that the stack had.
list_kind() {
	local kind=$1 type=$2 mine="$scratch/left-$2"
	shift 2
	ids "$type" >"$mine"
	if [ ! -s "$mine" ]; then return 0; fi
	if ! aws --region "$region" "$@" >"$mine.names" 2>"$mine.error"; then
		say "  $kind: cannot be listed: $(tr '\n' ' ' <"$mine.error")"
		return 0
	fi
	tr '\t' '\n' <"$mine.names" | grep -xF -f "$mine" | sed "s/^/  $kind /" || true
}

# Four lists are requested at a time.
list_left() {
	local key
	read_stack
	{
		case $status in NONE | DELETE_COMPLETE) ;; *) say "  stack $stack ($status)" ;; esac
		list_kind API ApiGateway::RestApi apigateway get-rest-apis --query 'items[].id' &
		list_kind "API key" ApiGateway::ApiKey apigateway get-api-keys --query 'items[].id' &
		list_kind "usage plan" ApiGateway::UsagePlan apigateway get-usage-plans --query 'items[].id' &
		list_kind function Lambda::Function lambda list-functions --query 'Functions[].FunctionName' &
		wait
		list_kind "event source" Lambda::EventSourceMapping lambda list-event-source-mappings --query "EventSourceMappings[?State!='Deleting'].UUID" &
		list_kind bucket S3::Bucket s3api list-buckets --query 'Buckets[].Name' &
		list_kind table DynamoDB::Table dynamodb list-tables --query 'TableNames[]' &
		list_kind role IAM::Role iam list-roles --query 'Roles[].RoleName' &
		wait
		list_kind "log group" Logs::LogGroup logs describe-log-groups --query 'logGroups[].logGroupName' &
		list_kind queue SQS::Queue sqs list-queues --query 'QueueUrls[]' &
		list_kind topic SNS::Topic sns list-topics --query 'Topics[].TopicArn' &
		list_kind alarm CloudWatch::Alarm cloudwatch describe-alarms --query 'MetricAlarms[].AlarmName' &
		wait
		list_kind "user pool" Cognito::UserPool cognito-idp list-user-pools --max-results 60 --query 'UserPools[].Id' &
		list_kind dashboard CloudWatch::Dashboard cloudwatch list-dashboards --query 'DashboardEntries[].DashboardName' &
		list_kind schedule Scheduler::Schedule scheduler list-schedules --query 'Schedules[].Name' &
		list_kind distribution CloudFront::Distribution cloudfront list-distributions --query 'DistributionList.Items[].Id' &
		wait
		list_kind "origin access control" CloudFront::OriginAccessControl cloudfront list-origin-access-controls --query 'OriginAccessControlList.Items[].Id' &
		list_kind "public key" CloudFront::PublicKey cloudfront list-public-keys --query 'PublicKeyList.Items[].Id' &
		list_kind "key group" CloudFront::KeyGroup cloudfront list-key-groups --query 'KeyGroupList.Items[].KeyGroup.Id' &
		list_kind "cache policy" CloudFront::CachePolicy cloudfront list-cache-policies --type custom --query 'CachePolicyList.Items[].CachePolicy.Id' &
		wait
		list_kind "response headers policy" CloudFront::ResponseHeadersPolicy cloudfront list-response-headers-policies --type custom \
			--query 'ResponseHeadersPolicyList.Items[].ResponseHeadersPolicy.Id' &
		if has_budget; then say "  budget $(budget_name)"; fi
		for key in "$(key_name 1)" "$(key_name 2)" "$(admin_key_name)"; do
			if found ssm get-parameter --name "$key" --query Parameter.Name; then say "  parameter $key"; fi
		done
		wait
		list_undeleted
	} >"$scratch/left"
}

# Some lists, SQS's above all, show deleted resources for up to a minute.
verify_removal() {
	local try
	for try in $(seq 1 "${TINTYPE_TRIES:-8}"); do
		if [ "$try" -gt 1 ]; then sleep "${TINTYPE_POLL_S:-15}"; fi
		list_left
		if [ ! -s "$scratch/left" ]; then break; fi
	done
	if [ -s "$scratch/left" ]; then
		say "These are left:" >&2
		cat "$scratch/left" >&2
		fail "not everything is gone; run it again; if that does not help, see the list above"
	fi
	say "Nothing of the stack '$stack' is left in $region: no stack, API, key, function, bucket, table, user pool, role, log group, queue, schedule, topic, alarm, dashboard, budget, CDN, nor a key of it or of an administrator."
}

# Of a table with point-in-time recovery, DynamoDB itself keeps a last backup.
print_backups() {
	local one
	for one in $(ids DynamoDB::Table); do
		call dynamodb list-backups --table-name "$one" --backup-type ALL --query 'BackupSummaries[].[BackupName]' | sed '/^None$/d' >"$scratch/backups"
		if [ -s "$scratch/backups" ]; then
			say "DynamoDB keeps the last state of the table $one in a backup of its own, for 35 days and without a price:"
			sed 's/^/  /' "$scratch/backups"
		fi
	done
}

read_arguments "$@"
check_stack_name
choose_region
read_account
read_stack
case $status in *_IN_PROGRESS)
	if [ "$status" != REVIEW_IN_PROGRESS ]; then fail "the stack '$stack' is in the state $status: wait until it has finished"; fi ;;
esac
list_resources
if [ "$status" = NONE ]; then say "There is no stack '$stack' in $region (account $account); looking for what may be left of it."; fi
if [ "$status" != NONE ] || [ -s "$scratch/resources" ]; then
	print_losses
	print_foreign
	ask
fi
say "Removing:"
remove_api
remove_functions
remove_users
for one in $(ids S3::Bucket); do remove_bucket "$one"; done
for one in $(ids DynamoDB::Table); do remove_table "$one"; done
for one in $(ids IAM::Role); do remove_role "$one"; done
for one in $(ids Logs::LogGroup); do
	say "  log group $one"
	found logs delete-log-group --log-group-name "$one" || true
done
remove_stack
remove_budget
remove_keys
remove_code
verify_removal
print_backups
