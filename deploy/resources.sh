# Shared by deploy.sh and destroy.sh: which resources a stack has, and whether they are its own.
# shellcheck shell=bash
# A name proves nothing: ImageMetadata may be a table that somebody else made. What a stack made carries its id in a tag:
# aws:cloudformation:stack-id, or tintype:stack-id where the template sets it, since CloudFormation gives no such tag to
# a table.

# Rows of a stack, named by its name or id, as lines in $scratch/rows: type, tab, name or id. `$2` is JMESPath, which rows.
# A row without a name was never created.
read_rows() {
	call cloudformation list-stack-resources --stack-name "$1" \
		--query "StackResourceSummaries[?$2].[ResourceType,PhysicalResourceId]" | awk -F '\t' '$1 != "None" && $2 != "" && $2 != "None"' >"$scratch/rows"
}

# Leaves in $scratch/tags the ids of stacks that the tags of one resource name, each on a line; none when it has no such tags, does
# not exist, or is a bucket of another account. Leaves in `exists` yes or no. Arguments: type, name.
read_stack_tags() {
	local names="?Key=='aws:cloudformation:stack-id' || Key=='tintype:stack-id'" members='["aws:cloudformation:stack-id","tintype:stack-id"]'
	local -a list
	case $1 in
	AWS::DynamoDB::Table) list=(dynamodb list-tags-of-resource --resource-arn "$(arn dynamodb "table/$2")" --query "Tags[$names].Value") ;;
	AWS::S3::Bucket) list=(s3api get-bucket-tagging --bucket "$2" --expected-bucket-owner "$account" --query "TagSet[$names].Value") ;;
	AWS::Lambda::Function) list=(lambda list-tags --resource "$(arn lambda "function:$2")" --query "Tags.$members") ;;
	AWS::Cognito::UserPool) list=(cognito-idp list-tags-for-resource --resource-arn "$(arn cognito-idp "userpool/$2")" --query "Tags.$members") ;;
	AWS::Logs::LogGroup) list=(logs list-tags-for-resource --resource-arn "$(arn logs "log-group:$2")" --query "tags.$members") ;;
	esac
	exists=yes
	: >"$scratch/tags"
	if aws --region "$region" "${list[@]}" >"$scratch/answer" 2>"$scratch/error"; then
		tr '\t' '\n' <"$scratch/answer" >"$scratch/tags"
	elif ! grep -qE 'NoSuchTagSet|AccessDenied.*GetBucketTagging' "$scratch/error"; then
		is_missing || explain "${list[*]}"
		exists=no
	fi
}

arn() { say "arn:$partition:$1:$region:$account:$2"; }

# Whether a resource is of the stack with this id. Arguments: type, name, id. The names of other types are made by AWS, or begin
# with the stack's own.
is_of_stack() {
	case $1 in AWS::DynamoDB::Table | AWS::S3::Bucket | AWS::Lambda::Function | AWS::Logs::LogGroup) ;; *) return 0 ;; esac
	read_stack_tags "$1" "$2"
	grep -qxF -- "$3" "$scratch/tags"
}

# Whether a table or a bucket was kept when an earlier stack of this name was deleted. Arguments: type, name.
is_kept() {
	read_stack_tags "$1" "$2"
	grep -qF -- "$(arn cloudformation "stack/$stack/")" "$scratch/tags"
}
