#!/bin/sh
# Root's part when the service may delete what the server surely holds.
#
# Reads one line, "writable NAME" or "readonly NAME", and answers "ok" or a
# sentence. The drive that the service reads stays read-only; beside it the same
# file system appears writable as /run/piuploader-writable/NAME, for as long as
# it is needed. Does nothing unless the configuration asks for it.
set -eu

place=${PIUPLOADER_DRIVES:-/run/piuploader-drives}
beside=${PIUPLOADER_WRITABLE:-/run/piuploader-writable}
config=${PIUPLOADER_CONFIG:-/etc/piuploader/config.toml}

refuse() {
    echo "$1"
    exit 0
}

IFS=' ' read -r verb name || refuse "nothing was asked"
case $name in
'' | .* | *[!A-Za-z0-9._-]*) refuse "that is no name of a drive" ;;
esac
grep -Eq '^[[:space:]]*delete_confirmed[[:space:]]*=[[:space:]]*true' "$config" ||
    refuse "the configuration does not allow to delete from drives"
mountpoint -q "$place/$name" || refuse "there is no drive $name"

case $verb in
writable)
    mount -o remount,rw,nosuid,nodev,noexec "$place/$name" >&2 ||
        refuse "the drive $name cannot be made writable: it is write-protected or damaged"
    mkdir -p "$beside/$name"
    mountpoint -q "$beside/$name" || mount --bind "$place/$name" "$beside/$name" >&2 ||
        refuse "the drive $name cannot be shown writable"
    mount -o remount,bind,rw,nosuid,nodev,noexec "$beside/$name" >&2
    mount -o remount,bind,ro,nosuid,nodev,noexec "$place/$name" >&2
    echo ok
    ;;
readonly)
    if mountpoint -q "$beside/$name"; then
        sync -f "$beside/$name" || true
        umount -l "$beside/$name" >&2
    fi
    rmdir "$beside/$name" 2>/dev/null || true
    mount -o remount,ro,nosuid,nodev,noexec "$place/$name" >&2 ||
        refuse "the drive $name is still in use"
    echo ok
    ;;
*) refuse "asked for what is not known" ;;
esac
