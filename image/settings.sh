# Where the parts of the image recipe meet. Sourced, never run.
# shellcheck shell=sh disable=SC2034

REPO=$(cd "$(dirname "$0")" && while [ ! -e image/settings.sh ]; do cd ..; done && pwd)
CACHE=${PIUPLOADER_IMAGE_CACHE:-$REPO/.cache/image}
DIST=${PIUPLOADER_DIST:-$REPO/dist}
ROLE=$REPO/ansible/roles/piuploader

# debian: Debian's kernel, newest one that is packaged for trixie. Built and tested here.
# rpios: Raspberry Pi's own kernel and lgpio from its repository. Same recipe; see docs/image.md.
FLAVOUR=${PIUPLOADER_FLAVOUR:-debian}
SUITE=trixie

# Others share the machine: builds step back.
step_back() { nice -n 19 ionice -c3 "$@"; }

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The words of one list in the role's variables.
packages() { # name of the list
    awk -v wanted="$1:" '
        /^[a-z_]+:/ { on = ($1 == wanted) }
        on && /^  - / { print $2 }
    ' "$ROLE/vars/main.yml"
}
