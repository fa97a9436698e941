#!/bin/sh
# Root's part for one file system of a plugged drive.
#
#   drive.sh mount NAME      mount /dev/NAME read-only for the piuploader service
#   drive.sh unmount NAME    let go of it, also when it was pulled out
#
# A drive that cannot be mounted leaves a sentence for the service, and for its
# light, in .problems/NAME. That is no failure of this program: it ends with 0.
#
# The places can be set from outside, for tests.
set -eu

verb=${1:-}
name=${2:-}
device=${PIUPLOADER_DEV:-/dev}/$name
place=${PIUPLOADER_DRIVES:-/run/piuploader-drives}
user=${PIUPLOADER_USER:-piuploader}

folder=$place/$name
problem=$place/.problems/$name

case $name in
'' | .* | *[!A-Za-z0-9._-]*)
    echo "drive.sh: '$name' is no name of a device" >&2
    exit 64
    ;;
esac

# Write down for the service why this drive cannot be read, and end.
give_up() {
    mkdir -p "$place/.problems"
    printf '%s\n' "$1" >"$problem.new"
    chmod 0644 "$problem.new"
    mv -f "$problem.new" "$problem"
    rmdir "$folder" 2>/dev/null || true
    echo "<4>$name: $1"
    exit 0
}

# A disk of which any part is mounted as the system's own is no guest.
is_system_disk() {
    parent=$(lsblk -ndo PKNAME "$device" 2>/dev/null | head -n 1)
    lsblk -nro MOUNTPOINTS "${parent:+${PIUPLOADER_DEV:-/dev}/}${parent:-$device}" 2>/dev/null |
        while IFS= read -r spot; do
            spot=$(printf '%b' "$spot") # lsblk writes \x20 for a space
            case $spot in
            '' | "$place"/*) ;;
            /media/root-r[ow] | /media/root-r[ow]/*) echo yes ;;
            /media/* | /run/media/* | /mnt | /mnt/*) ;;
            *) echo yes ;;
            esac
        done | grep -q yes
}

# -i: no helper programs of file systems, they have ideas of their own.
try() {
    mount -i -t "$1" -o "ro,nosuid,nodev,noexec$2" "$device" "$folder" 2>"$complaint"
}

# File systems in user space: for kernels that lack a driver, or refuse.
try_fuse() {
    command -v "$1" >/dev/null || return 1
    "$@" 2>"$complaint" || return 1
    # Some of them forget an option on the way.
    mount -i -o remount,bind,ro,nosuid,nodev,noexec "$folder"
}

mount_as() {
    uid=$(id -u "$user")
    gid=$(id -g "$user")
    # File systems without owners: all belongs to the service, and to nobody else.
    owned=,uid=$uid,gid=$gid
    case $1 in
    vfat)
        try vfat "$owned,dmask=0077,fmask=0177,utf8=1,shortname=mixed" ||
            try vfat "$owned,dmask=0077,fmask=0177"
        ;;
    exfat)
        try exfat "$owned,dmask=0077,fmask=0177,iocharset=utf8" ||
            try_fuse mount.exfat-fuse \
                -o "ro,nosuid,nodev,noexec,allow_other$owned,dmask=0077,fmask=0177" \
                "$device" "$folder"
        ;;
    ntfs)
        # Named ntfs3 until the newest kernels; a volume that Windows left unclean is still read.
        try ntfs3 "$owned,dmask=0077,fmask=0177,iocharset=utf8" ||
            try ntfs "$owned,dmask=0077,fmask=0177" ||
            try_fuse ntfs-3g \
                -o "ro,nosuid,nodev,noexec,allow_other$owned,dmask=0077,fmask=0177" \
                "$device" "$folder"
        ;;
    # The journal of a drive that was pulled out is not replayed: that would write.
    ext3 | ext4) try "$1" ,noload || try ext4 ,noload ;;
    ext2) try ext2 "" || try ext4 ,noload ;;
    xfs) try xfs ,norecovery,nouuid ;;
    btrfs) try btrfs ,rescue=nologreplay || try btrfs ,norecovery ;;
    f2fs) try f2fs ,norecovery ;;
    hfsplus) try hfsplus "$owned,umask=0077,nls=utf8" || try hfsplus "$owned,umask=0077" ;;
    hfs) try hfs "$owned,dir_umask=0077,file_umask=0177" ;;
    udf | iso9660) try "$1" "$owned" ;;
    *) try "$1" "" ;;
    esac
}

mount_drive() {
    if is_system_disk; then
        echo "<6>$name: the system runs from this disk: left alone"
        exit 0
    fi
    kind=$(blkid -p -s TYPE -o value "$device" || true)
    usage=$(blkid -p -s USAGE -o value "$device" || true)
    rm -f "$problem"
    case $usage in
    filesystem) ;;
    crypto) give_up "This drive is encrypted ($kind): unlock it on a computer and copy the photos." ;;
    *) give_up "There is no file system that we know on this drive: it is broken, or not formatted." ;;
    esac
    mkdir -p "$folder"
    complaint=$(mktemp)
    trap 'rm -f "$complaint"' EXIT
    if mount_as "$kind"; then
        echo "<6>$name: mounted read-only, file system $kind"
        return
    fi
    echo "<4>$name: $(tr '\n' ' ' <"$complaint")"
    if grep -qi "unknown filesystem type" "$complaint"; then
        give_up "This system cannot read the drive's file system ($kind)."
    fi
    give_up "The drive's file system ($kind) cannot be read: check the drive on a computer."
}

unmount_drive() {
    rm -f "$problem"
    # Lazily: who still reads gets errors, and nobody waits for a drive that is gone.
    while mountpoint -q "$folder"; do
        umount -l "$folder" || break
    done
    rmdir "$folder" 2>/dev/null || true
}

case $verb in
mount) mount_drive ;;
unmount) unmount_drive ;;
*)
    echo "usage: drive.sh mount|unmount NAME" >&2
    exit 64
    ;;
esac
