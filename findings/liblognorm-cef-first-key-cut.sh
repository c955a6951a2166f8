#!/usr/bin/env bash
# liblognorm's cef parser, rsyslog's way to read CEF (mmnormalize), takes the first letter off the first extension's name, unless
# a blank stands before it: "src" is stored as "rc", "msg" as "sg". Runs without Ppl; needs apt-get and dpkg (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/root"
(cd "$directory" && apt-get download -qq liblognorm-utils=2.0.6-4 liblognorm5=2.0.6-4 libestr0=0.1.11-1 libfastjson4=1.2304.0-1 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
libraries=$(dirname "$(find "$directory/root/usr/lib" -name 'liblognorm.so.5' | head -1)")
printf 'version=2\nrule=:%%event:cef%%\n' > "$directory/rules"
normalize() {
    printf '%s\n' "$1" | LD_LIBRARY_PATH="$libraries:$directory/root/lib/$(basename "$libraries")" \
        "$directory/root/usr/bin/lognormalizer" -r "$directory/rules" | sed 's/.*"Extensions": \({.*}\) } }$/\1/'
}
header='CEF:0|Example|Gate|1.0|100|port scan|7|'
plain=$(normalize "${header}src=192.0.2.1 dst=192.0.2.2 msg=hello")
blank=$(normalize "${header} src=192.0.2.1 dst=192.0.2.2 msg=hello")
echo "version: liblognorm $(dpkg-deb -f "$directory"/liblognorm5_*.deb Version)"
echo "behaviour: the first name after the header has lost its first letter, unless a blank stands before it"
echo "seen: src=… dst=… msg=… is $plain, and with a blank before it $blank"
[ "$plain" = '{ "rc": "192.0.2.1", "dst": "192.0.2.2", "msg": "hello" }' ] \
    && [ "$blank" = '{ "src": "192.0.2.1", "dst": "192.0.2.2", "msg": "hello" }' ]
