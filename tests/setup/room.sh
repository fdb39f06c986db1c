#!/usr/bin/env bash
# Makes room in a build folder that is kept from run to run: cargo never deletes what it will not use again, and each change of the
# tests leaves a gigabyte of old test programs. Does nothing while there is room.
set -euo pipefail

room_min_gb=25
target="${1:?usage: room.sh BUILD_FOLDER}"
[ -d "$target" ] || exit 0
free_gb=$(($(df --output=avail -k "$target" | tail -1) / 1024 / 1024))
[ "$free_gb" -lt "$room_min_gb" ] || exit 0
echo "room.sh: $free_gb GB free, fewer than $room_min_gb: deleting old programs in $target"
for profile in debug sim; do
  rm -rf "$target/$profile/incremental"
  # Programs, not libraries: what is missing and wanted is linked again.
  [ ! -d "$target/$profile/deps" ] || find "$target/$profile/deps" -type f -size +15M -perm -u+x ! -name '*.so' -delete
done
