# Part of deploy.sh: the names that a stack takes, looked for before anything is created.
# shellcheck shell=bash
# CloudFormation would find a name that is taken only after it has made other resources, and would remove those again.

# Refuse what CloudFormation would do by making a new, empty resource and leaving the old one, or what loses images.
check_changes() {
	local name before wanted
	for name in $fixed; do
		before=$(stack_value "$name")
		wanted=$(given_value "$name")
		if [ -n "$before" ] && [ -n "$wanted" ] && [ "$wanted" != "$before" ]; then
			fail "$name is '$before' and cannot be changed: CloudFormation would make a new, empty resource in place of the old one. For other names create a second stack, with --stack NAME"
		fi
	done
	before=$(stack_value ListShards)
	wanted=$(given_value ListShards)
	if [[ $before =~ ^[0-9]+$ && $wanted =~ ^[0-9]+$ ]] && [ "$wanted" -lt "$before" ]; then
		fail "ListShards is $before and can only grow: with fewer, lists would not show the images of the others"
	fi
	if [ "$(stack_value Versioning)" = on ] && [ "$(given_value Versioning)" = off ]; then
		fail "Versioning cannot be turned off: S3 can only suspend it, and versions that exist already would stay, and cost, for ever"
	fi
}

# The names that the template makes, by property, such as names_of FunctionName.
names_of() {
	sed -n "s/^      $1: !Sub //p" deploy/template.yaml | sed "s/\${FunctionPrefix}/$(parameter FunctionPrefix)/; s/\${ApiName}/$(parameter ApiName)/" | sort
}

# Add to $scratch/taken a line for each name that both the template makes and AWS has. Arguments: kind, property, parameter.
note_taken() {
	tr '\t' '\n' <"$scratch/answer" | sort -u | comm -12 - <(names_of "$2") | while read -r name; do
		printf '  %-10s %-50s %s=...\n' "$1" "$name" "$3" >>"$scratch/taken"
	done
}

# Before the first creation, while nothing has been created. An imported stack has a table or a bucket already.
check_names() {
	local table bucket prefix
	table=$(parameter TableName)
	bucket=$(bucket_name)
	prefix=$(parameter FunctionPrefix)
	: >"$scratch/taken"
	: >"$scratch/kept"
	if [ "$status" = NONE ]; then
		check_bucket "$bucket"
		check_table "$table"
	else
		check_imported "$table" "$bucket"
	fi
	call lambda list-functions --query 'Functions[].FunctionName' >"$scratch/answer"
	note_taken function FunctionName FunctionPrefix
	call logs describe-log-groups --log-group-name-prefix "/aws/lambda/$prefix" --query 'logGroups[].logGroupName' >"$scratch/answer"
	note_taken "log group" LogGroupName FunctionPrefix
	if [ "$(parameter AccessLogs)" = on ]; then
		call logs describe-log-groups --log-group-name-prefix "/aws/apigateway/$(parameter ApiName)" --query 'logGroups[].logGroupName' >"$scratch/answer"
		note_taken "log group" LogGroupName ApiName
	fi
	if [ -s "$scratch/taken" ]; then
		say "These names are taken, by something that is not of the stack '$stack':" >&2
		cat "$scratch/taken" >&2
		fail "nothing was created. Give other names, by the parameters in the last column, or remove what has them if you do not need it"
	fi
	if [ -s "$scratch/kept" ]; then offer_import "$table" "$bucket"; fi
}

check_table() {
	if ! found dynamodb describe-table --table-name "$1" --query Table.TableStatus; then return 0; fi
	if is_kept AWS::DynamoDB::Table "$1"; then
		say Table >>"$scratch/kept"
	else
		printf '  %-10s %-50s TableName=...\n' table "$1" >>"$scratch/taken"
	fi
}

check_bucket() {
	if aws --region "$region" s3api head-bucket --bucket "$1" >/dev/null 2>"$scratch/error"; then
		if is_kept AWS::S3::Bucket "$1"; then
			say Bucket >>"$scratch/kept"
		else
			printf '  %-10s %-50s BucketName=...\n' bucket "$1" >>"$scratch/taken"
		fi
		return 0
	fi
	grep -qE '\((404|403|301|400)\)' "$scratch/error" || explain "s3api head-bucket --bucket $1"
	grep -qF '(404)' "$scratch/error" ||
		fail "the bucket name '$1' belongs to another account: names are shared by all of AWS. Give another one: BucketName=..."
}

# A template of the table and the bucket alone, each with as little as makes it the same resource; the next update sets the rest.
import_template() {
	printf 'Parameters:\n  TableName: {Type: String, Default: %s}\n  BucketName: {Type: String, Default: %s}\nResources:\n' "$1" "$2"
	if grep -qx Table "$scratch/kept"; then
		awk '/^  Table:/ { on = 1; print; next } on && /^  [^ ]/ { exit } !on || /^ *#/ { next }
			{ match($0, /^ */); indent = RLENGTH }
			skipped && indent > skipped { next } { skipped = 0 }
			indent == 6 && $1 !~ /^(TableName|BillingMode|AttributeDefinitions|KeySchema|GlobalSecondaryIndexes):/ || $1 == "OnDemandThroughput:" { skipped = indent; next }
			{ print }' deploy/template.yaml
	fi
	if grep -qx Bucket "$scratch/kept"; then
		printf '  Bucket:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n    Properties: {BucketName: !Ref BucketName}\n'
	fi
}

# The parameters of the deleted stack that made this table or bucket, as lines in $scratch/earlier; none when AWS does not know them any
# more, which is after 90 days. Leaves in `earlier` the stack's id. Arguments: type, name.
read_earlier() {
	: >"$scratch/earlier"
	read_stack_tags "$1" "$2"
	earlier=$(grep -F -- "$(arn cloudformation "stack/$stack/")" "$scratch/tags" | grep -vxF -- "${stack_id:-none}" | head -n 1 || true)
	if [ -n "$earlier" ] && found cloudformation describe-stacks --stack-name "$earlier" --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]'; then
		cat "$scratch/answer" >"$scratch/earlier"
	fi
}

earlier_value() { sed -n "s/^$1"$'\t'"//p" "$scratch/earlier"; }

# The arguments that give a new stack what the earlier one had. Those that AWS shows to nobody are made again.
earlier_arguments() {
	local name value pool
	while IFS=$'\t' read -r name value; do
		case $name in
		CodeBucket | CodeKey | CdnKey1 | CdnKey2 | CdnSigningKey) continue ;;
		Architecture) printf ' --arch %s' "$value"; continue ;;
		esac
		if [ "$value" = "****" ] || [ "$value" = "$(default_value "$name")" ] || ! parameter_names | grep -qx "$name"; then continue; fi
		printf ' %q' "$name=$value"
	done <"$scratch/earlier"
	if [ "$(earlier_value Auth)" = cognito ] && [ -z "$(earlier_value UserPoolArn)" ]; then
		pool=$(call cloudformation describe-stacks --stack-name "$earlier" --query "Stacks[0].Outputs[?OutputKey=='UserPoolId'].OutputValue | [0]")
		if [ "$pool" != None ]; then printf ' UserPoolArn=%s' "$(arn cognito-idp "userpool/$pool")"; fi
		# A pool of the stack's own has this domain, which went with the stack.
		if [ "$pool" != None ] && [ -z "$(earlier_value AuthDomainPrefix)" ]; then printf ' AuthDomainPrefix=%s-%s' "$stack" "$account"; fi
	fi
}

# What the earlier stack wrote is to be found, and to be removed, by the stack that has its table and bucket now.
check_imported() {
	local shards wanted
	call s3api get-bucket-versioning --bucket "$2" --expected-bucket-owner "$account" --query Status >"$scratch/answer"
	if [ "$(cat "$scratch/answer")" = Enabled ] && [ "$(parameter Versioning)" != on ]; then
		fail "the bucket $2 keeps versions, which a stack without Versioning=on would not remove with their images. Give Versioning=on"
	fi
	read_earlier AWS::DynamoDB::Table "$1"
	shards=$(earlier_value ListShards)
	wanted=$(parameter ListShards)
	if [[ $shards =~ ^[0-9]+$ && $wanted =~ ^[0-9]+$ ]] && [ "$wanted" -lt "$shards" ]; then
		fail "ListShards was $shards when the table $1 was written, and can only grow: with $wanted, lists would not show the images of the others"
	fi
}

# What a deletion of the stack kept can be taken into a new one.
offer_import() {
	local file=build/import-$stack.yaml what=() one again known= stack_arguments="--region $region --stack-name $stack"
	if grep -qx Table "$scratch/kept"; then read_earlier AWS::DynamoDB::Table "$1"; else read_earlier AWS::S3::Bucket "$2"; fi
	again=$(earlier_arguments)
	if ! [ -s "$scratch/earlier" ]; then
		known=", which AWS does not know any more; Profile, ListShards, Versioning and Auth above all"
		again=" ..."
	fi
	local IFS=,
	mkdir -p build
	import_template "$1" "$2" >"$file"
	while read -r one; do
		case $one in
		Table) what+=("{\"ResourceType\":\"AWS::DynamoDB::Table\",\"LogicalResourceId\":\"Table\",\"ResourceIdentifier\":{\"TableName\":\"$1\"}}") ;;
		Bucket) what+=("{\"ResourceType\":\"AWS::S3::Bucket\",\"LogicalResourceId\":\"Bucket\",\"ResourceIdentifier\":{\"BucketName\":\"$2\"}}") ;;
		esac
	done <"$scratch/kept"
	cat >&2 <<-END
	An earlier stack '$stack' was deleted without its data, which is still there:
	$(sed "s/^Table\$/  table $1/; s/^Bucket\$/  bucket $2/" "$scratch/kept")
	To go on with it, import it into a new stack by these commands:

	  aws cloudformation create-change-set $stack_arguments --change-set-name import --change-set-type IMPORT --template-body file://$file --resources-to-import '[${what[*]}]'
	  aws cloudformation wait change-set-create-complete $stack_arguments --change-set-name import
	  aws cloudformation execute-change-set $stack_arguments --change-set-name import
	  aws cloudformation wait stack-import-complete $stack_arguments

	and then deploy with the parameters that the earlier stack had$known:

	  deploy/deploy.sh --stack $stack --region $region$again

	To delete it for ever: deploy/destroy.sh --stack $stack --region $region
	END
	fail "nothing was created: the names are taken by what an earlier stack left"
}
