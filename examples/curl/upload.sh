#!/bin/sh
# Upload pictures with curl and jq: examples/curl/upload.sh cat.jpg dog.png
#
#   TINTYPE_URL   the API, http://127.0.0.1:8080/prod unless set
#   TINTYPE_KEY   the API key, where the server requires one for slots
#
# Prints a line for each uploaded picture; exits with status 1 if one was refused.
set -u

command -v jq >/dev/null || { echo "${0##*/}: jq is missing; install it, for example with: apt-get install jq" >&2; exit 2; }
[ $# -gt 0 ] || { echo "usage: ${0##*/} PICTURE ..." >&2; exit 2; }

api=${TINTYPE_URL:-http://127.0.0.1:8080/prod}
response=$(mktemp)
trap 'rm -f "$response"' EXIT

refused() { # FILE MESSAGE
	echo "$1: ${2:-the server could not be reached}" >&2
	false
}

# By the first bytes, since the name may be wrong; else by the name.
type_of() { # FILE
	case $(od -A n -t x1 -N 12 <"$1" | tr -d ' \n') in
	ffd8ff*) echo image/jpeg; return ;;
	89504e470d0a1a0a*) echo image/png; return ;;
	47494638*) echo image/gif; return ;;
	52494646????????57454250) echo image/webp; return ;;
	esac
	case $1 in
	*.[jJ][pP][gG] | *.[jJ][pP][eE][gG]) echo image/jpeg ;;
	*.[pP][nN][gG]) echo image/png ;;
	*.[gG][iI][fF]) echo image/gif ;;
	*.[wW][eE][bB][pP]) echo image/webp ;;
	*) echo application/octet-stream ;;
	esac
}

upload() { # FILE
	[ -r "$1" ] || { refused "$1" "it cannot be read"; return; }
	type=$(type_of "$1")

	# 1. A slot: jq writes the JSON, so that any file name is well quoted.
	jq -n --arg name "${1##*/}" --arg type "$type" --argjson size "$(wc -c <"$1")" \
		'{fileName: $name, fileType: $type, fileSize: $size}' |
		curl --silent --fail-with-body --output "$response" --json @- \
			${TINTYPE_KEY:+--header "Authorization: Bearer $TINTYPE_KEY" --header "X-Api-Key: $TINTYPE_KEY"} "$api/upload" ||
		{ refused "$1" "$(jq -r .detail "$response" 2>/dev/null)"; return; }
	id=$(jq -r .imageId "$response")
	url=$(jq -r .uploadUrl "$response")

	# 2. The bytes, straight to storage, with the headers listed in the slot.
	jq -r '.headers | to_entries[] | "header = \"\(.key): \(.value)\""' "$response" |
		curl --silent --fail-with-body --output "$response" --config - --upload-file "$1" "$url" ||
		{ refused "$1" "$(sed -n 's/.*<Message>\(.*\)<\/Message>.*/\1/p' "$response")"; return; }

	echo "$1: uploaded as $id"
}

status=0
for file; do
	: >"$response"
	upload "$file" || status=1
done
exit $status
