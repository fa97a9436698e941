#!/bin/sh
# Close the file system below the overlay for writing: a pulled plug cannot harm it then.
#
# Once, before that, it learns this machine's own number, so that it stays the same.
set -eu

lower=${1:-/media/root-ro}
if [ ! -s "$lower/etc/machine-id" ] && [ -s /etc/machine-id ]; then
    mount -o remount,rw "$lower"
    cat /etc/machine-id >"$lower/etc/machine-id"
    sync -f "$lower/etc/machine-id"
fi
mount -o remount,ro "$lower"
