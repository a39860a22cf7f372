# Part of deploy.sh and destroy.sh: users and the administrator's key.
# shellcheck shell=bash

admin_key_name() { say "/tintype/$stack/admin-key"; }

# The key goes to the Parameter Store from a file, so that no process list shows it. One that is there is kept.
make_admin_key() {
	local file=$scratch/admin-key
	if found ssm get-parameter --name "$1" --query Parameter.Name; then return 0; fi
	(umask 077 && openssl rand -hex 24 | tr -d '\n' >"$file")
	call ssm put-parameter --name "$1" --type SecureString --value "file://$file" \
		--description "The administrator's key of the stack $stack of tintype" >/dev/null
	rm -f "$file"
	say "Made the administrator's key, in the parameter $1"
}

# A stack with users has such a key, others if --admin-key is given.
choose_admin_key() {
	local name
	name=$(parameter AdminKeyParameter)
	if [ -z "$name" ] && ! is_given AdminKeyParameter && { [ "$(parameter Auth)" != none ] || [ "$admin_key" = yes ]; }; then
		name=$(admin_key_name)
		make_admin_key "$name"
		given+=("AdminKeyParameter=$name")
	elif [ -n "$name" ] && ! found ssm get-parameter --name "$name" --query Parameter.Name; then
		fail "the parameter '$name', which is to hold the administrator's key, is not in $region. Make it, as a SecureString of at least 16 characters, or give AdminKeyParameter= for a stack without such a key"
	fi
}

# Refuse what would give the images other owners, or a pool a second domain, which it cannot have.
check_users() {
	local name
	if [ "$(stack_value Auth)" != cognito ]; then return 0; fi
	for name in UserPoolArn AuthDomainPrefix; do
		if is_given "$name" && [ "$(given_value "$name")" != "$(stack_value "$name")" ]; then
			fail "$name is '$(stack_value "$name")' and cannot be changed while Auth=cognito: images belong to users of this pool, which has one domain"
		fi
	done
	if [ "$(parameter Auth)" != cognito ] && [ -z "$(stack_value UserPoolArn)" ]; then
		say "The user pool $(output_of UserPoolId) stays, outside the stack; to use it again: Auth=cognito UserPoolArn=..."
	fi
}

# The origin of an endpoint that the issuer's document names, in $scratch/issuer. JSON may escape its slashes.
origin_of() { tr -d '\\\n' <"$scratch/issuer" | sed -nE "s|.*\"$1\"[[:space:]]*:[[:space:]]*\"(https://[^/\"]+).*|\1|p"; }

# The page sends its code to the issuer's token endpoint, which may be on another host than the issuer; CloudFront's headers name it.
choose_oidc_origins() {
	local document origins
	if [ "$(parameter Auth)$(parameter Cdn)" != oidcon ] || [ -z "$(parameter OidcClientId)" ] || is_given OidcOrigins; then return 0; fi
	document=$(parameter OidcIssuer)
	document=${document%/}/.well-known/openid-configuration
	if ! curl -fsS --max-time 20 "$document" >"$scratch/issuer" 2>"$scratch/error"; then
		if [ -n "$(stack_value OidcOrigins)" ] && [ "$(parameter OidcIssuer)" = "$(stack_value OidcIssuer)" ]; then return 0; fi
		fail "$document cannot be read: $(cat "$scratch/error"). Is OidcIssuer right? Where this machine cannot reach the issuer, give OidcOrigins=https://HOST, the host of its token endpoint"
	fi
	origins=$(printf '%s\n' "$(origin_of token_endpoint)" "$(origin_of revocation_endpoint)" | awk 'NF && !seen[$0]++' | paste -s -d ' ' -)
	[ -n "$origins" ] || fail "$document names no token_endpoint by https; give OidcOrigins=https://HOST, the host of the issuer's token endpoint"
	given+=("OidcOrigins=$origins")
}

print_admin_key() {
	local name
	name=$(parameter AdminKeyParameter)
	if [ -z "$name" ]; then return 0; fi
	printf 'The administrator'"'"'s key, which is sent as Authorization: Bearer KEY, is shown by\n\n'
	printf '  aws ssm get-parameter --region %s --name %s --with-decryption --query Parameter.Value --output text\n\n' "$region" "$name"
}

# Arguments: the API's address.
print_users() {
	local pool client of
	if [ "$(parameter Auth)" = oidc ]; then
		printf 'Every call needs a token of %s, or an API key. To try it:\n\n  curl -s -H "Authorization: Bearer TOKEN" %s/me\n\n' "$(parameter OidcIssuer)" "$1"
		return 0
	fi
	pool=$(output_of UserPoolId)
	client=$(output_of UserPoolClientId)
	of="--region $region --user-pool-id $pool"
	printf 'Every call needs a token of the user pool, or an API key. To make the first user, an administrator:\n\n'
	if [ -n "$(parameter UserPoolArn)" ]; then printf '  aws cognito-idp create-group %s --group-name admins\n' "$of"; fi
	printf '  aws cognito-idp admin-create-user %s --username you@example.org --user-attributes Name=email,Value=you@example.org Name=email_verified,Value=true\n' "$of"
	printf '  aws cognito-idp admin-add-user-to-group %s --username you@example.org --group-name admins\n\n' "$of"
	printf 'AWS mails a first password, which is changed at the first sign-in. To set one without a mail:\n\n'
	printf '  aws cognito-idp admin-set-user-password %s --username you@example.org --permanent --password PASSWORD\n\n' "$of"
	if is_production || [ -n "$(parameter TokenScopes)" ]; then return 0; fi   # tokens by a password have no scopes
	printf 'To try it:\n\n'
	# shellcheck disable=SC2016 # what the reader is to type
	printf '  token=$(aws cognito-idp initiate-auth --region %s --client-id %s --auth-flow USER_PASSWORD_AUTH --auth-parameters USERNAME=you@example.org,PASSWORD=PASSWORD --query AuthenticationResult.AccessToken --output text)\n' "$region" "$client"
	# shellcheck disable=SC2016
	printf '  curl -s -H "Authorization: Bearer $token" %s/me\n\n' "$1"
}

# The pool that the stack made: its domain first, since a pool that has one cannot be deleted, then its protection.
remove_users() {
	local pool domain
	for pool in $(ids Cognito::UserPool); do
		say "  user pool $pool"
		for domain in $(ids Cognito::UserPoolDomain); do found cognito-idp delete-user-pool-domain --user-pool-id "$pool" --domain "$domain" || true; done
		if found cognito-idp update-user-pool --user-pool-id "$pool" --deletion-protection INACTIVE; then call cognito-idp delete-user-pool --user-pool-id "$pool"; fi
	done
	if found ssm get-parameter --name "$(admin_key_name)" --query Parameter.Name; then
		say "  parameter $(admin_key_name)"
		found ssm delete-parameter --name "$(admin_key_name)" || true
	fi
}
