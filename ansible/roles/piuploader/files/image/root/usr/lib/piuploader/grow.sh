#!/bin/sh
# Let the data partition fill the card: the last partition takes what is free behind it.
#
# Does nothing where nothing is free, so it may run at every start. The file system is
# enlarged afterwards, when it is mounted (x-systemd.growfs in fstab).
set -eu

label=${1:-piuploader-data}
device=$(readlink -f "/dev/disk/by-label/$label")
part=${device##*/}
folder=$(readlink -f "/sys/class/block/$part")
[ -e "$folder/partition" ] || exit 0
number=$(cat "$folder/partition")
disk=$(basename "$(dirname "$folder")")

total=$(cat "/sys/class/block/$disk/size")
end=$(($(cat "$folder/start") + $(cat "$folder/size")))
enough=$((64 * 1024 * 2)) # sectors: 64 MiB
if [ $((total - end)) -lt $enough ]; then exit 0; fi

# The kernel is told of this one partition alone: to read the whole table anew would make
# the devices of the others vanish for a moment, and with them whatever waits for them.
echo ', +' | udevadm lock --device="/dev/$disk" \
    sfdisk --quiet --force --no-reread --no-tell-kernel -N "$number" "/dev/$disk"
partx --update --nr "$number" "/dev/$disk"
udevadm settle --timeout=60
echo "$part fills the card now"
