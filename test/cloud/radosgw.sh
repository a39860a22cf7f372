#!/usr/bin/env bash
# Run Ceph's object gateway for one test, from Debian's packages ceph-mon, ceph-osd, radosgw and
# ceph-common: one monitor, one store in memory, one user, on ports of its own.
#
# Prints the gateway's URL when it responds to S3, IAM and STS, then waits for the end of its standard input; then
# all of it ends and its directory is removed. The user `test` has the key and the secret below, and may
# make roles. Several gateways may run at the same time.
set -euo pipefail

dir=$(mktemp -d "${TMPDIR:-/tmp}/radosgw-XXXXXX")
pids=()
finish() {
	[ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

{ read -r monitor_port && read -r gateway_port; } < <(node "${BASH_SOURCE[0]%/*}/../blackbox/support/port.mjs" 2)
id=$(cat /proc/sys/kernel/random/uuid)
mkdir "$dir"/mon "$dir"/osd "$dir"/rgw "$dir"/run
cat >"$dir/ceph.conf" <<EOC
[global]
fsid = $id
mon host = v2:127.0.0.1:$monitor_port
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = $dir/run
crash dir = $dir/run
admin socket =
log file = $dir/\$name.log
debug none = 0/0
mon initial members = a
mon data avail crit = 1
mon allow pool size one = true
mon max pg per osd = 2000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2147483648
paxos propose interval = 0.05
mon osd min up ratio = 0
[mon.a]
mon data = $dir/mon
[osd.0]
osd data = $dir/osd
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$gateway_port
rgw data = $dir/rgw
ms mon client mode = crc secure
rgw relaxed region enforcement = true
rgw s3 auth use sts = true
rgw sts key = tintype-test-sts
rgw thread pool size = 16
EOC
export CEPH_CONF="$dir/ceph.conf" CEPH_ARGS="--conf $dir/ceph.conf"

# start PROGRAM ...: a process that cannot outlive this one
start() {
	setpriv --pdeathsig KILL "$@" >>"$dir/out" 2>&1 &
	pids+=($!)
}

# The program must still run while it is waited for.
wait_until() {
	local tries=0
	until "$@" >/dev/null 2>>"$dir/out"; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ] || ! kill -0 "${pids[-1]}" 2>/dev/null; then
			{ echo "radosgw.sh: no success of: $*"; tail -n 20 "$dir/out"; } >&2
			exit 1
		fi
		sleep 0.1
	done
}

monmaptool --create --clobber --addv a "[v2:127.0.0.1:$monitor_port]" --fsid "$id" "$dir/monmap" >/dev/null
ceph-mon -i a --mkfs --monmap "$dir/monmap" >>"$dir/out" 2>&1
start ceph-mon -i a -f
osd_id=$(cat /proc/sys/kernel/random/uuid)
wait_until timeout 10 ceph osd new "$osd_id" 0
ceph-osd -i 0 --mkfs --osd-uuid "$osd_id" >>"$dir/out" 2>&1
start ceph-osd -i 0 -f
wait_until timeout 60 radosgw-admin -n client.rgw user create --uid=test --display-name=test \
	--caps="roles=*" --access-key=AKIARADOSGWTESTUSER0 --secret=radosgw-test-secret
start radosgw -f -n client.rgw
wait_until curl -sf -o /dev/null "http://127.0.0.1:$gateway_port/"
echo "http://127.0.0.1:$gateway_port"
cat >/dev/null
