#!/usr/bin/env bash
# Check on a real account what no emulator can show, and print for each check what was expected and what was seen.
#
#   deploy/first-hour.sh --mail ADDRESS [--stack NAME] [--region REGION] [--zip FILE] [--only CHECK] [--list]
#
# Makes a stack of its own (tintype-hour), changes it, deletes it, takes its data up again and removes everything. Takes about
# an hour and a half and less than a dollar. ADDRESS gets mails of alarms and of a budget. What AWS answered is kept in the folder
# first-hour/. --only repeats one check on a stack that is there; --list names the checks. doc/first-hour.md says what each settles.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

stack=tintype-hour
mail=
zip=
only=
good=0
bad=0
kept=first-hour
checks="deploy tags late_url gateway budget deployment large versions alarms burst taken late_put kept cdn sign_in destroy"

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--stack | --region | --mail | --zip | --only)
			[ $# -ge 2 ] || fail "$1 needs a value"
			case $1 in --stack) stack=$2 ;; --region) region=$2 ;; --mail) mail=$2 ;; --zip) zip=$2 ;; --only) only=$2 ;; esac
			shift ;;
		--list) tr ' ' '\n' <<<"$checks"; exit 0 ;;
		-h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p;}' deploy/first-hour.sh; exit 0 ;;
		*) fail "unknown argument '$1'; see deploy/first-hour.sh --help" ;;
		esac
		shift
	done
	[ -n "$mail" ] || fail "--mail is missing: the address that gets the mails of alarms and budget"
	[ -z "$only" ] || grep -qw -- "$only" <<<"$checks" || fail "there is no check '$only'; there are: $checks"
}

# Run one of the other scripts on this stack; what it printed is kept, and its last line is left in `said`.
script() {
	local name=$1
	shift
	deploy/"$name".sh --stack "$stack" --region "$region" "$@" >"$kept/$check-$name.txt" 2>&1 || true
	said=$(tail -n 1 "$kept/$check-$name.txt")
}

# Names of its own, so that no other stack has them.
deploy() {
	script deploy ${zip:+--zip "$zip"} TableName=TintypeHour FunctionPrefix=TintypeHour ApiName=TintypeHour "$@"
}

# Ask AWS; what it answers, an error too, is kept and is left in `said`.
ask() {
	aws --region "$region" "$@" >"$kept/$check-$1-$2.txt" 2>&1 || true
	said=$(tr '\n\t' '  ' <"$kept/$check-$1-$2.txt" | sed 's/ *$//')
}

output() {
	ask cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue | [0]"
}

# A request to the API with its key: leaves the status in `code`, the body in $kept/CHECK-body.txt.
http() {
	code=$(curl -sS --max-time 60 -o "$kept/$check-body.txt" -D "$kept/$check-headers.txt" -w '%{http_code}' "$@" 2>>"$kept/$check-curl.txt" || true)
}

# Upload a file to a URL.
put() { http -T "$2" -H 'Content-Type: image/png' -H 'If-None-Match: *' "$1"; }

member() { sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' "$kept/$check-body.txt" | head -n 1; }

# Compare with a pattern of grep -E, and tell both.
expect() {
	printf '    expected: %s\n    seen:     %s\n' "$1" "$2"
	if grep -qE -- "$3" <<<"$2"; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		say "    NOT AS EXPECTED; see $kept/$check-*"
	fi
}

read_api() {
	output InvokeUrl
	url=$said
	output ApiKeyId
	: >"$scratch/key"
	ask_secret key 'x-api-key: ' apigateway get-api-key --api-key "$said" --include-value --query value
}

# Until the image of this record is not pending any more.
wait_for() {
	for _ in $(seq 1 30); do
		http -H "@$scratch/key" "$1"
		if [ "$(member status)" != pending ]; then break; fi
		sleep "${TINTYPE_POLL_S:-5}"
	done
}

# Like ask, for what is to be in no file: leaves it in `said`, and makes it a header in $scratch/NAME.
ask_secret() {
	local name=$1 header=$2
	shift 2
	ask "$@"
	printf '%s%s\n' "$header" "$said" >>"$scratch/$name"
	: >"$kept/$check-$1-$2.txt"
}

check_deploy() {
	deploy AlarmEmail="$mail"
	expect "the stack is created" "$(grep '^The API is at' "$kept/$check-deploy.txt")" '^The API is at https://'
	script smoke
	expect "a picture goes all the way: API Gateway may call the functions, S3 its queue" "$said" '^Everything works\.$'
}

# By these tags destroy.sh knows what is its own.
check_tags() {
	local id bucket
	ask cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackId'
	id=$said
	output BucketName
	bucket=$said
	ask dynamodb describe-table --table-name TintypeHour --query Table.TableArn
	ask dynamodb list-tags-of-resource --resource-arn "$said" --query "Tags[?Key=='tintype:stack-id'].Value"
	expect "the table has the tag tintype:stack-id" "$said" "^$id\$"
	ask s3api get-bucket-tagging --bucket "$bucket" --query "TagSet[?Key=='aws:cloudformation:stack-id'].Value"
	expect "the bucket has the tag aws:cloudformation:stack-id" "$said" "^$id\$"
	ask lambda get-function --function-name TintypeHourUploadHandler --query 'Tags."aws:cloudformation:stack-id"'
	expect "a function has it too" "$said" "^$id\$"
}

# A URL that is used when it is nearly over: the credentials that signed it must live as long.
check_late_url() {
	deploy UrlTtl=3600
	read_api
	http -H "@$scratch/key" "$url/upload" -d '{"fileName":"late.png","fileType":"image/png"}'
	member uploadUrl >"$kept/late.url"
	date +%s >"$kept/late.time"
	expect "a slot whose URL is valid for an hour" "$code" '^200$'
	deploy UrlTtl=300
}

# What API Gateway answers by itself is as the template says.
check_gateway() {
	read_api
	http -X DELETE "$url/images/none" -H 'Origin: https://a.example'
	expect "403 without the API key" "$code" '^403$'
	expect "with our code and JSON" "$(head -c 300 "$kept/$check-body.txt")" '"code" *: *"key_needed"'
	expect "and a header for pages of other origins" "$(grep -i '^access-control-allow-origin:' "$kept/$check-headers.txt" | tr -d '\r')" ':'
}

check_budget() {
	local name="tintype budget of $stack in $region"
	deploy Budget=on
	deploy AlarmEmail="hour+$mail"
	ask sts get-caller-identity --query Account
	ask budgets describe-subscribers-for-notification --account-id "$said" --budget-name "$name" --query 'Subscribers[].Address' \
		--notification NotificationType=ACTUAL,ComparisonOperator=GREATER_THAN,Threshold=80,ThresholdType=PERCENTAGE
	expect "the budget's address can be changed" "$said" "^hour\+"
	deploy AlarmEmail="$mail"
}

# A change of the API must reach the stage, and not by a deployment beside CloudFormation's.
check_deployment() {
	local before api
	output ApiId
	api=$said
	ask apigateway get-stage --rest-api-id "$api" --stage-name prod --query deploymentId
	before=$said
	deploy ThrottleRate=11
	ask apigateway get-stage --rest-api-id "$api" --stage-name prod --query '[deploymentId,methodSettings."*/*".throttlingRateLimit]'
	case $said in "$before "*) said="the same, $said" ;; *) said="new, $said" ;; esac
	expect "another deployment than $before, and a rate of 11" "$said" '^new, .* 11(\.0)?$'
}

# Without fileSize nothing limits an upload at S3; the check after it must.
check_large() {
	local id
	read_api
	http -H "@$scratch/key" "$url/upload" -d '{"fileName":"large.png","fileType":"image/png"}'
	id=$(member imageId)
	head -c 20971520 /dev/zero >"$scratch/large"
	put "$(member uploadUrl)" "$scratch/large"
	expect "S3 takes 20 MB" "$code" '^200$'
	wait_for "$url/images/$id"
	expect "and the image is rejected" "$(member status)" '^rejected$'
}

check_versions() {
	output BucketName
	deploy Versioning=on
	ask s3api get-bucket-versioning --bucket "$said" --query Status
	expect "the bucket keeps versions" "$said" '^Enabled$'
	deploy Versioning=off
	expect "that cannot be turned off" "$said" 'Versioning cannot be turned off'
}

check_alarms() {
	local one names
	ask cloudwatch describe-alarms --alarm-name-prefix "$stack-" --query 'MetricAlarms[].AlarmName'
	names=$said
	expect "eight alarms or more" "$(wc -w <<<"$names" | tr -d ' ') alarms" '^([89]|[1-9][0-9]+) '
	for one in $names; do ask cloudwatch set-alarm-state --alarm-name "$one" --state-value ALARM --state-reason first-hour; done
	ask cloudwatch describe-alarms --alarm-name-prefix "$stack-" --state-value ALARM --query 'MetricAlarms[].AlarmName'
	expect "all of them can be raised (check that mails arrive)" "$said" "^$names\$"
}

# A new account runs ten functions at once.
check_burst() {
	local n
	read_api
	for n in $(seq 1 30); do
		curl -sS --max-time 60 -o /dev/null -w '%{http_code}\n' -H "@$scratch/key" "$url/upload" -d '{"fileName":"a.png","fileType":"image/png"}' >"$scratch/burst-$n" 2>&1 &
	done
	wait
	cat "$scratch"/burst-* >"$kept/$check-codes.txt"
	expect "of 30 requests at once each is answered with 200 or 429" "$(sort "$kept/$check-codes.txt" | uniq -c | tr -s ' \n' ' ')" '^( [0-9]+ (200|429))+ $'
}

# A stack that fails because its name is taken: what CloudFormation lists of it, and that destroy.sh leaves what it did not make.
check_taken() {
	local own=$stack
	ask cloudformation create-stack --stack-name "$stack-taken" --template-body \
		'{"Resources":{"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"TintypeHour","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"imageId","AttributeType":"S"}],"KeySchema":[{"AttributeName":"imageId","KeyType":"HASH"}]}}}}'
	aws --region "$region" cloudformation wait stack-rollback-complete --stack-name "$stack-taken" 2>/dev/null || true
	ask cloudformation list-stack-resources --stack-name "$stack-taken" --query 'StackResourceSummaries[].[ResourceStatus,PhysicalResourceId]'
	expect "the row of what was taken has failed, was deleted, or has no name" "$said" 'FAILED|DELETE_COMPLETE|None'
	stack=$own-taken
	script destroy --yes
	stack=$own
	ask dynamodb describe-table --table-name TintypeHour --query Table.TableStatus
	expect "destroy.sh leaves the table" "$said" '^ACTIVE$'
}

# Before check_kept: with its role the URL ends.
check_late_put() {
	local age=0
	while :; do
		age=$(($(date +%s) - $(cat "$kept/late.time")))
		if [ "$age" -ge "${TINTYPE_LATE_S:-3480}" ]; then break; fi
		sleep 20
	done
	put "$(cat "$kept/late.url")" "$kept/late.time"
	expect "a URL for an hour is still good after $((age / 60)) minutes" "$code" '^200$'
}

# The stack is deleted as in the console, and its data is imported into a new one, by the commands that deploy.sh prints.
check_kept() {
	local line
	aws --region "$region" cloudformation delete-stack --stack-name "$stack"
	aws --region "$region" cloudformation wait stack-delete-complete --stack-name "$stack" || true
	ask dynamodb describe-table --table-name TintypeHour --query Table.TableStatus
	expect "the table outlives its stack" "$said" '^ACTIVE$'
	deploy
	expect "deploy.sh refuses" "$said" 'taken by what an earlier stack left'
	grep '^  aws ' "$kept/$check-deploy.txt" >"$scratch/import" || true
	while read -r line; do
		eval "$line" >>"$kept/$check-import.txt" 2>&1 </dev/null || true
	done <"$scratch/import"
	deploy AlarmEmail="$mail" Versioning=on   # which the bucket has
	script smoke
	expect "after the import the stack works with the old data" "$said" '^Everything works\.$'
}

# Who called, by the upload function's log; asked for until CloudWatch has the line. -4, since an address of each kind would be two.
client_of() {
	local id
	http -4 -H "@$scratch/key" "$1/limits"
	id=$(grep -i '^x-amzn-requestid:' "$kept/$check-headers.txt" | tail -n 1 | cut -d : -f 2 | tr -d ' \r')
	for _ in $(seq 1 30); do
		ask logs filter-log-events --log-group-name /aws/lambda/TintypeHourUploadHandler --filter-pattern "\"$id\" \"client\"" --query 'events[0].message'
		said=$(sed -n 's/.*"client":"\([^"]*\)".*/\1/p' <<<"$said")
		if [ -n "$said" ]; then break; fi
		sleep "${TINTYPE_POLL_S:-5}"
	done
}

# The page, the API and the images under the distribution's name: signatures, and what is public.
check_cdn() {
	local page id link direct
	deploy Cdn=on --admin-key
	read_api
	ask_secret key 'Authorization: Bearer ' ssm get-parameter --name "/tintype/$stack/admin-key" --with-decryption --query Parameter.Value
	output PageUrl
	page=$said
	http "$page/"
	expect "the page, from the bucket, with its policy" "$code $(grep -i '^content-security-policy:' "$kept/$check-headers.txt" | cut -c 1-60)" '^200 .*:'
	client_of "$url"
	direct=$said
	client_of "$page/prod"
	expect "the log has the same client as without the CDN" "$direct $said" '^([0-9.]+) \1$'
	http -H "@$scratch/key" "$page/prod/upload" -d '{"fileName":"cdn.png","fileType":"image/png","fileSize":67}'
	expect "the API, below /prod" "$code" '^200$'
	id=$(member imageId)
	make_picture
	put "$(member uploadUrl)" "$scratch/picture.png"
	wait_for "$page/prod/images/$id"
	link=$(member original)
	http "$link"
	expect "a signed URL is accepted: CloudFront verifies ECDSA with SHA-256" "$code" '^200$'
	http "${link%%\?*}"
	expect "without its signature it is refused" "$code" '^403$'
	http -H "@$scratch/key" -X PATCH "$page/prod/images/$id" -d '{"visibility":"public"}'
	link=$(member original)
	http "$link"
	expect "a public image has a copy that needs no signature" "$code" '^200$'
	http -H "@$scratch/key" -X DELETE "$page/prod/images/$id"
	for _ in $(seq 1 60); do
		http "$link?deleted"   # CloudFront's cache key does not include the query
		if [ "$code" != 200 ]; then break; fi
		sleep "${TINTYPE_POLL_S:-5}"
	done
	expect "once it is deleted CloudFront forgets it" "$code" '^(403|404)$'
}

# A user of a pool of the stack's own, whose token the functions verify. Passwords are in files, so that no process list shows them.
check_sign_in() {
	local pool client
	deploy --auth cognito
	output UserPoolId
	pool=$said
	output UserPoolClientId
	client=$said
	ask cognito-idp admin-create-user --user-pool-id "$pool" --username "$mail" --message-action SUPPRESS --user-attributes "Name=email,Value=$mail" Name=email_verified,Value=true
	openssl rand -hex 16 | tr -d '\n' >"$scratch/password"
	printf '{"UserPoolId":"%s","Username":"%s","Permanent":true,"Password":"%s"}' "$pool" "$mail" "$(cat "$scratch/password")" >"$scratch/set.json"
	printf '{"ClientId":"%s","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"%s","PASSWORD":"%s"}}' "$client" "$mail" "$(cat "$scratch/password")" >"$scratch/auth.json"
	ask cognito-idp admin-set-user-password --cli-input-json "file://$scratch/set.json"
	: >"$scratch/token"
	ask_secret token 'Authorization: Bearer ' cognito-idp initiate-auth --cli-input-json "file://$scratch/auth.json" --query AuthenticationResult.AccessToken
	output InvokeUrl
	url=$said
	http "$url/me"
	expect "401 without a token" "$code" '^401$'
	http -H "@$scratch/token" "$url/me"
	expect "a token of the pool is accepted" "$code" '^200$'
	output SignInUrl
	http "$said/login?client_id=$client&response_type=code&scope=openid&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F"
	expect "Cognito shows its page" "$code" '^200$'
}

check_destroy() {
	output AlarmTopicArn
	local topic=$said
	script destroy --yes
	expect "nothing is left" "$(grep -c "^Nothing of the stack '$stack' is left" "$kept/$check-destroy.txt" || true)" '^1$'
	ask sns list-subscriptions --query "Subscriptions[?TopicArn=='$topic' && SubscriptionArn!='Deleted' && SubscriptionArn!='PendingConfirmation'].SubscriptionArn"
	expect "no subscription is left" "${said:-none}" '^(none|None)$'
	ask dynamodb list-backups --table-name TintypeHour --backup-type ALL --query 'BackupSummaries[].BackupName'
	expect "no backup is left, since the profile was free" "${said:-none}" '^(none|None)$'
}

read_arguments "$@"
say "This script has never run on a real AWS account. Please report what it finds."
check_stack_name
choose_region
umask 077
mkdir -p "$kept"
for check in ${only:-$checks}; do
	say "$check"
	check_"$check"
done
say "$good as expected, $bad not. Everything that AWS answered is in $kept/; it holds no secret but addresses of uploads that have expired."
[ "$bad" -eq 0 ]
