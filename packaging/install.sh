#!/bin/sh
# Installs the command port-checker from the unpacked archive that this file lies in, or removes it again. It
# starts nothing, downloads nothing and edits no file.
set -eu

usage() {
    cat <<'END'
Usage: ./install.sh [install | uninstall]

Copies port-checker, its manual page, its completions and the licences to where the system looks for them,
and prints each file. Uninstalling removes these files and no others.

    PREFIX=DIR   where to install, /usr/local by default; without root, PREFIX=$HOME/.local
    DESTDIR=DIR  a directory that stands for the root of the file system, for makers of packages
END
}

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# Each file of the archive, its permissions, and its place below PREFIX.
files() {
    cat <<'END'
port-checker 755 bin/port-checker
port-checker.1 644 share/man/man1/port-checker.1
completions/port-checker.bash 644 share/bash-completion/completions/port-checker
completions/_port-checker 644 share/zsh/site-functions/_port-checker
completions/port-checker.fish 644 share/fish/vendor_completions.d/port-checker.fish
LICENSE-MIT 644 share/doc/port-checker/LICENSE-MIT
LICENSE-APACHE 644 share/doc/port-checker/LICENSE-APACHE
third-party.txt 644 share/doc/port-checker/third-party.txt
END
}

install_files() {
    "$here/port-checker" --version >/dev/null 2>&1 ||
        fail "the program of this archive does not run here: this is $(uname -s) on $(uname -m)"
    files | while read -r file mode place; do
        target=$root/$place
        mkdir -p "$(dirname "$target")" || fail "cannot create $(dirname "$target"); set PREFIX, or become root"
        # Beside its place first: a program that runs cannot be written to, but can be replaced.
        cp "$here/$file" "$target.new" && chmod "$mode" "$target.new" && mv -f "$target.new" "$target" ||
            fail "cannot write $target; set PREFIX, or become root"
        printf 'installed %s\n' "$target"
    done
    case ":$PATH:" in
    *":$prefix/bin:"*) ;;
    *) printf 'note: %s is not in PATH\n' "$prefix/bin" ;;
    esac
}

uninstall_files() {
    files | while read -r _ _ place; do
        target=$root/$place
        [ -e "$target" ] || [ -L "$target" ] || continue
        rm -f "$target" || fail "cannot remove $target; become root"
        printf 'removed %s\n' "$target"
    done
    # It holds nothing but the licences, unless others put something there.
    rmdir "$root/share/doc/port-checker" 2>/dev/null || true
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=${PREFIX:-/usr/local}
case $prefix in
/*) ;;
*) fail "PREFIX is $prefix, and must begin with a slash" ;;
esac
root=${DESTDIR:-}$prefix
[ "$#" -le 1 ] || fail "one action at most: install or uninstall"
case ${1:-install} in
install) install_files ;;
uninstall) uninstall_files ;;
-h | --help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
