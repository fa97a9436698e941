#!/bin/sh
# Change what is installed below the read-only root. What it did holds from the next start on.
#
#   update.sh system         Debian's updates; restarts if there were any
#   update.sh program FILE   that package of piuploader; keeps the one before
#   update.sh back           the package of piuploader before this one
set -eu

lower=/media/root-ro
kept=/var/cache/piuploader-packages
mountpoint -q "$lower" || {
    echo "The root is not read-only here: use apt." >&2
    exit 64
}

close() {
    for folder in boot/firmware run dev sys proc; do
        umount -R -l "$lower/$folder" 2>/dev/null || true
    done
    sync
    mount -o remount,ro "$lower"
}
trap close EXIT
trap 'exit 1' HUP INT TERM
mount -o remount,rw "$lower"
for folder in proc sys dev run boot/firmware; do
    mount --rbind --make-rslave "/$folder" "$lower/$folder"
done
inside() { DEBIAN_FRONTEND=noninteractive chroot "$lower" "$@"; }

case ${1:-} in
system)
    before=$(inside dpkg-query --show | sha256sum)
    inside apt-get -qq update
    inside apt-get -qq -y -o Dpkg::Options::=--force-confold upgrade --with-new-pkgs
    inside apt-get clean
    inside find /var/lib/apt/lists -type f -delete
    if [ "$(inside dpkg-query --show | sha256sum)" != "$before" ]; then
        echo "Updated: restarting."
        systemctl --no-block reboot
    fi
    ;;
program)
    mkdir -p "$lower$kept"
    find "$lower$kept" -name 'before-*' -delete
    for old in "$lower$kept"/piuploader_*.deb; do
        if [ -e "$old" ] && [ "${old##*/}" != "${2##*/}" ]; then
            mv "$old" "$lower$kept/before-${old##*/}"
        fi
    done
    cp "$2" "$lower$kept/"
    inside dpkg --install "$kept/${2##*/}"
    ;;
back)
    old=$(find "$lower$kept" -name 'before-*.deb' | head -n 1)
    [ -n "$old" ] || {
        echo "There is no package from before." >&2
        exit 1
    }
    find "$lower$kept" -name 'piuploader_*.deb' -delete
    back=$lower$kept/${old##*/before-}
    mv "$old" "$back"
    inside dpkg --install "$kept/${back##*/}"
    ;;
*)
    sed -n 's/^#   //p' "$0" >&2
    exit 64
    ;;
esac
