#!/bin/sh
# The whole pipeline on the demo brand: serve its site, run every stage, talk with the result.
# Called by `make demo` from the repository root, with `onbrand` on the PATH.
# An argument names another folder for the workspace.
set -eu

source=examples/saltmarsh
workspace=${1:-demo}
mkdir -p "$workspace"
for file in brand.toml facebook.json instagram.json; do
    [ -e "$workspace/$file" ] || cp "$source/$file" "$workspace/$file"
done

python -m examples.saltmarsh.serve_site >/dev/null &
site=$!
trap 'kill $site 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM HUP
sleep 1
kill -0 $site  # the site has said on standard error why it could not start

onbrand --workspace "$workspace" run

if [ -t 0 ]; then
    onbrand --workspace "$workspace" chat
else
    onbrand --workspace "$workspace" chat \
        --ask 'Do you mend punctures?' \
        --ask 'Tell me about the Petrel.' \
        --ask 'Write an Instagram post about a rainy day.'
fi
