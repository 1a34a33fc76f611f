#!/usr/bin/env bash
# What embedding costs: crates and cold build time of a program that depends on camunda-backup, beside one that depends
# on reqwest + tokio + serde only. Both in temporary directories, with the same Cargo.lock versions, fetched before the
# clock runs, debug profile.
#
#   benches/embedding_cost.sh          crates and cold build times
#   benches/embedding_cost.sh --count  crates only
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

program() { # name, dependencies
    mkdir -p "$work/$1/src"
    printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n%s\n[workspace]\n' "$1" "$2" \
        > "$work/$1/Cargo.toml"
    echo 'fn main() {}' > "$work/$1/src/main.rs"
    # The same versions for both, as far as they share crates.
    cp "$here/Cargo.lock" "$work/$1/Cargo.lock"
    (cd "$work/$1" && cargo fetch --quiet)
}

crates() {
    (cd "$work/$1" && cargo tree --quiet --edges normal,build --prefix none --no-dedupe --format '{p}') \
        | sed 's/ (.*//' | sort -u | grep -vc "^$1 "
}

seconds() {
    local began ended
    began=$(date +%s)
    (cd "$work/$1" && CARGO_TARGET_DIR="$work/$1/target" nice -n 15 cargo build --quiet --offline)
    ended=$(date +%s)
    echo "$((ended - began)) s"
}

bare='reqwest = { version = "0.13", default-features = false, features = ["gzip", "rustls"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
'
program bare "$bare"
program embedded "camunda-backup = { path = \"$here\" }
tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\", \"time\"] }
"

echo "| A program with | Crates | Cold debug build ($(nproc) cores) |"
echo "|---|---:|---:|"
for name in bare embedded; do
    [ "$name" = bare ] && title='reqwest (rustls, gzip) + tokio + serde' || title='`camunda-backup` + tokio'
    [ "${1:-}" = --count ] && took='not measured' || took=$(seconds "$name")
    echo "| $title | $(crates "$name") | $took |"
done
