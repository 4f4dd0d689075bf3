#!/usr/bin/env bash
# Download what a machine without a registry may lack: pure wheels and those for Python 3.12 on x86-64 Linux.
#
#     bash tests/gpu/wheels.sh [FOLDER, default .whl]
set -eu
folder=${1:-.whl}
mkdir -p "$folder"
platforms=()
for name in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1; do
    platforms+=(--platform "${name}_x86_64")
done
get() {
    python3 -m pip download -q --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
        "${platforms[@]}" -d "$folder" "$@"
}
get pydantic==2.14.4 pydantic-core==2.50.5 # a pydantic works with one version of pydantic-core only
get annotated-types typing-inspection "typing-extensions>=4.16" pint flexcache flexparser platformdirs
get "numpy>=2.4,<2.5" # used only if the machine's Numba refuses the machine's NumPy
ls -la "$folder"
