#!/usr/bin/env bash
# Take one picture the whole way through a deployed stack, and show what its functions logged.
#
#   deploy/smoke.sh [--stack NAME] [--region REGION]
#   deploy/smoke.sh --url URL                           any server of this API, such as http://127.0.0.1:8080/prod
#
# Slot, upload, look, record, list, download, refusals, CORS, delete. Each step says what it saw; the
# first that is not as it must be ends with status 1. With a stack, the API key is fetched, and the log lines of this run are shown at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

url=
key=
from_stack=no
# A PNG of one pixel, 67 bytes.
picture='iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--stack | --region | --url)
			[ $# -ge 2 ] || fail "$1 needs a value"
			case $1 in --stack) stack=$2 ;; --region) region=$2 ;; --url) url=${2%/} ;; esac
			shift ;;
		-h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p;}' deploy/smoke.sh; exit 0 ;;
		*) fail "unknown argument '$1'; see deploy/smoke.sh --help" ;;
		esac
		shift
	done
	command -v curl >/dev/null || fail "curl is missing; install it with your system's package manager"
}

ask_stack() {
	local id
	check_stack_name
	choose_region
	status=$(stack_status)
	[ "$status" != NONE ] || fail "there is no stack '$stack' in $region; deploy/deploy.sh makes it"
	case $status in *_COMPLETE) ;; *) fail "the stack '$stack' is in the state $status; deploy it first" ;; esac
	url=$(output_of InvokeUrl)
	[ "$url" != None ] || fail "the stack '$stack' has no output InvokeUrl; is it one of deploy/template.yaml?"
	id=$(output_of ApiKeyId)
	if [ "$id" != None ]; then key=$(call apigateway get-api-key --api-key "$id" --include-value --query value); fi
	printf 'x-api-key: %s\n' "$key" >"$scratch/key"   # not among the arguments, which all users see
	from_stack=yes
}

# Call; the body goes to $scratch/body, the headers to $scratch/headers, the status to `code`.
http() {
	code=$(curl -sS --max-time 40 -o "$scratch/body" -D "$scratch/headers" -w '%{http_code}' -H 'Origin: https://smoke.example' \
		${key:+-H "@$scratch/key"} "$@") || fail "no answer from $url; doc/troubleshooting.md may help"
}

must() {
	if [ "$code" != "$1" ]; then
		cat "$scratch/body" >&2
		fail "$2: $code came, not $1; the answer is above, doc/troubleshooting.md may help"
	fi
	say "  $2: $code"
}

# A text of the JSON in the last body, by the member's name.
member() { sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' "$scratch/body" | head -n 1; }
number() { sed -n 's/.*"'"$1"'" *: *\([0-9]*\).*/\1/p' "$scratch/body" | head -n 1; }

has_cors() {
	grep -qi '^access-control-allow-origin:' "$scratch/headers" ||
		fail "$1: the answer has no Access-Control-Allow-Origin, so no page could read it"
}

make_picture() { base64 -d <<<"$picture" >"$scratch/picture.png"; }

upload() {
	http "$url/upload" -d '{"fileName":"smoke.png","fileType":"image/png","fileSize":67}'
	must 200 "a slot (POST /upload)"
	has_cors "POST /upload"
	id=$(member imageId)
	local once=
	if grep -q '"If-None-Match"' "$scratch/body"; then once='If-None-Match: *'; fi
	code=$(curl -sS --max-time 40 -o "$scratch/body" -D "$scratch/headers" -w '%{http_code}' -T "$scratch/picture.png" \
		-H 'Content-Type: image/png' ${once:+-H "$once"} -H 'Origin: https://smoke.example' "$(member uploadUrl)") || fail "the storage does not answer"
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
	[ "$(member status)" = uploaded ] || fail "the image is '$(member status)' after $try looks, not 'uploaded'; look at the queue and the event function's log"
	[ "$(number fileSize)/$(number width)/$(number height)" = 67/1/1 ] || fail "the record is not that of the picture: $(cat "$scratch/body")"
	must 200 "the record says uploaded, 67 bytes, 1 x 1"
}

read_back() {
	http "$url/images?limit=50"
	must 200 "the list (GET /images)"
	has_cors "GET /images"
	grep -q "$id" "$scratch/body" || fail "the image is not in the list"
	http -L "$url/images/$id/file"
	must 200 "the file (GET /images/$id/file, redirected)"
	cmp -s "$scratch/body" "$scratch/picture.png" || fail "the bytes that came back are not those that were sent"
}

refusals() {
	http "$url/upload" -d '{"fileName":"a.exe","fileType":"application/x-msdownload"}'
	must 415 "a type that is not allowed is refused"
	has_cors "a refusal"
	http "$url/upload" -d '{"fileName":'
	must 400 "half a JSON is refused"
	http -X OPTIONS "$url/upload" -H 'Access-Control-Request-Method: POST'
	must 204 "a preflight (OPTIONS /upload)"
	has_cors "a preflight"
}

delete() {
	http -X DELETE "$url/images/$id"
	must 204 "deleted (DELETE /images/$id)"
	http "$url/images/$id"
	must 404 "and gone"
}

# The functions' lines since this run began; they come some seconds late.
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
if [ -z "$url" ]; then ask_stack; fi
began=$(($(date +%s) * 1000))
say "Against $url"
make_picture
upload
wait_until_seen
read_back
refusals
delete
if [ "$from_stack" = yes ]; then
	sleep "${TINTYPE_POLL_S:-10}"
	show_log
fi
say "All of it works."
