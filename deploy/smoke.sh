#!/usr/bin/env bash
# Test the complete path of one picture through a deployed stack, and show what its functions logged.
#
#   deploy/smoke.sh [--stack NAME] [--region REGION] [--origin ORIGIN]
#   deploy/smoke.sh --url URL [--origin ORIGIN]         any server of this API, such as http://127.0.0.1:8080/prod
#
# Slot, upload, verification, record, list, download, thumbnail, links, refusals, CORS, delete. Each step prints its result; the
# first wrong one ends the script with status 1. ORIGIN is that of a page that may call the API; the default is
# https://smoke.example, or with --url the URL's own. For a stack, the API key is fetched, and the log lines of
# this run are shown at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

url=
origin=
key=
from_stack=no

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--stack | --region | --url | --origin)
			[ $# -ge 2 ] || fail "$1 needs a value"
			case $1 in --stack) stack=$2 ;; --region) region=$2 ;; --url) url=${2%/} ;; --origin) origin=$2 ;; esac
			shift ;;
		-h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p;}' deploy/smoke.sh; exit 0 ;;
		*) fail "unknown argument '$1'; see deploy/smoke.sh --help" ;;
		esac
		shift
	done
	command -v curl >/dev/null || fail "curl is missing; install it with your system's package manager"
}

ask_stack() {
	local id name header=x-api-key:
	check_stack_name
	choose_region
	read_stack
	[ "$status" != NONE ] || fail "there is no stack '$stack' in $region; create it with deploy/deploy.sh"
	case $status in *_COMPLETE) ;; *) fail "the stack '$stack' is in the state $status; deploy it first" ;; esac
	url=$(output_of InvokeUrl)
	[ "$url" != None ] || fail "the stack '$stack' has no output InvokeUrl; is it one of deploy/template.yaml?"
	id=$(output_of ApiKeyId)
	name=$(call cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Parameters[?ParameterKey=='AdminKeyParameter'].ParameterValue | [0]")
	if [ "$id" != None ]; then
		key=$(call apigateway get-api-key --api-key "$id" --include-value --query value)
	elif [ -n "$name" ] && [ "$name" != None ]; then   # a stack with users
		key=$(call ssm get-parameter --name "$name" --with-decryption --query Parameter.Value)
		header="Authorization: Bearer"
	fi
	printf '%s %s\n' "$header" "$key" >"$scratch/key"   # not among the arguments, which all users see
	from_stack=yes
}

# Call; the body goes to $scratch/body, the headers to $scratch/headers, the status to `code`.
http() {
	code=$(curl -sS --max-time 40 -o "$scratch/body" -D "$scratch/headers" -w '%{http_code}' -H "Origin: $origin" \
		${key:+-H "@$scratch/key"} "$@") || fail "no response from $url; doc/troubleshooting.md may help"
}

# A request that is signed by its URL: it goes to another host, which must not see the API key.
without_key() {
	code=$(curl -sS --max-time 40 -o "$scratch/body" -D "$scratch/headers" -w '%{http_code}' -H "Origin: $origin" "$@") || fail "no response from the storage"
}

follow() { without_key -L "$@" "$(sed -n 's/^[Ll]ocation: *//p' "$scratch/headers" | tr -d '\r' | tail -n 1)"; }

must() {
	if [ "$code" != "$1" ]; then
		cat "$scratch/body" >&2
		fail "$2: got $code, expected $1; the response is above, doc/troubleshooting.md may help"
	fi
	say "  $2: $code"
}

# A string of the JSON in the last body, by the member's name.
member() { sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' "$scratch/body" | head -n 1; }
number() { sed -n 's/.*"'"$1"'" *: *\([0-9]*\).*/\1/p' "$scratch/body" | head -n 1; }

has_cors() {
	grep -qi '^access-control-allow-origin:' "$scratch/headers" ||
		fail "$1: the response has no Access-Control-Allow-Origin for $origin, so a page could not read it"
}

upload() {
	http "$url/upload" -d '{"fileName":"smoke.png","fileType":"image/png","fileSize":67}'
	must 200 "a slot (POST /upload)"
	has_cors "POST /upload"
	id=$(member imageId)
	token=$(member deleteToken)
	local once=
	if grep -q '"If-None-Match"' "$scratch/body"; then once='If-None-Match: *'; fi
	without_key -T "$scratch/picture.png" -H 'Content-Type: image/png' ${once:+-H "$once"} "$(member uploadUrl)"
	must 200 "the bytes (PUT, 67 of them)"
}

wait_until_seen() {
	local try
	for try in $(seq 1 60); do
		http "$url/images/$id"
		[ "$code" = 200 ] || must 200 "the record (GET /images/$id)"
		if [ "$(member status)" != pending ]; then break; fi
		sleep 1
	done
	[ "$(member status)" = uploaded ] || fail "the image is '$(member status)' after $try requests, not 'uploaded'; see the queue and the event function's log"
	[ "$(number fileSize)/$(number width)/$(number height)" = 67/1/1 ] || fail "the record is not that of the picture: $(cat "$scratch/body")"
	must 200 "the record says uploaded, 67 bytes, 1 x 1"
}

read_back() {
	http "$url/images?limit=50"
	must 200 "the list (GET /images)"
	has_cors "GET /images"
	grep -q "$id" "$scratch/body" || fail "the image is not in the list"
	http "$url/images/$id/file"
	must 302 "the file (GET /images/$id/file)"
	follow
	must 200 "where that leads"
	cmp -s "$scratch/body" "$scratch/picture.png" || fail "the downloaded bytes are not those that were uploaded"
}

# Where the server makes links; without delivery keys it makes none.
pictures() {
	http "$url/images/$id"
	if ! grep -q '"links"' "$scratch/body"; then
		say "  no delivery links: DeliveryKeys is empty"
		return 0
	fi
	http -X PATCH "$url/images/$id" -d '{"visibility":"private"}'
	if [ "$code" = 401 ]; then
		say "  only callers who say who they are may change an image (DeleteBy=token)"
	else
		must 200 "the visibility (PATCH /images/$id)"
	fi
	http "$url/images/$id/thumbnail?size=small" -H 'Accept: image/webp'
	must 302 "a thumbnail (GET /images/$id/thumbnail)"
	follow -H 'Accept: image/webp'
	must 200 "where that leads"
	grep -q '^RIFF' "$scratch/body" || fail "the thumbnail is not a WebP image"
	http "$url/images/$id/links" -d '{"variant":"original","expiresIn":60}'
	must 200 "a link for a minute (POST /images/$id/links)"
	without_key -L "$(member url)"
	must 200 "the file by that link"
	cmp -s "$scratch/body" "$scratch/picture.png" || fail "the bytes that the link leads to are not those that were uploaded"
}

refusals() {
	http "$url/upload" -d '{"fileName":"a.exe","fileType":"application/x-msdownload"}'
	must 415 "a type that is not allowed is refused"
	has_cors "a refusal"
	http "$url/upload" -d '{"fileName":'
	must 400 "incomplete JSON is refused"
	http -X OPTIONS "$url/upload" -H 'Access-Control-Request-Method: POST'
	must 204 "a preflight (OPTIONS /upload)"
	has_cors "a preflight"
}

delete() {
	http -X DELETE "$url/images/$id" ${token:+-H "X-Delete-Token: $token"}
	must 204 "deleted (DELETE /images/$id)"
	http "$url/images/$id"
	must 404 "and gone"
}

# The functions' lines since this run began; they arrive some seconds late.
show_log() {
	local group
	say "What the functions logged about $id:"
	for group in $(call cloudformation list-stack-resources --stack-name "$stack" \
		--query "StackResourceSummaries[?ResourceType=='AWS::Logs::LogGroup'].PhysicalResourceId"); do
		call logs filter-log-events --log-group-name "$group" --start-time "$began" --filter-pattern "\"$id\"" \
			--query 'events[].[message]' | sed '/^None$/d; /^$/d; s/^/  /'
	done
}

read_arguments "$@"
if [ -n "$url" ]; then
	[ -n "$origin" ] || origin=$(sed -E 's|^(https?://[^/]+).*|\1|' <<<"$url")
else
	ask_stack
	origin=${origin:-https://smoke.example}
fi
began=$(($(date +%s) * 1000))
say "Against $url"
make_picture
upload
wait_until_seen
read_back
pictures
refusals
delete
if [ "$from_stack" = yes ]; then
	sleep "${TINTYPE_POLL_S:-10}"
	show_log
fi
say "Everything works."
