#!/bin/sh
# The whole pipeline on the demo brand: serve its site, run every stage, talk with the result.
# Called by `make demo` from the repository root, with `onbrand` on the PATH.
set -eu

source=examples/saltmarsh
mkdir -p demo
for file in brand.toml facebook.json instagram.json; do
    [ -e "demo/$file" ] || cp "$source/$file" "demo/$file"
done

python -m examples.saltmarsh.serve_site >/dev/null &
site=$!
trap 'kill $site 2>/dev/null || true' EXIT

onbrand --workspace demo run

if [ -t 0 ]; then
    onbrand --workspace demo chat
else
    onbrand --workspace demo chat \
        --ask 'Do you mend punctures?' \
        --ask 'Tell me about the Petrel.' \
        --ask 'Write an Instagram post about a rainy day.'
fi
