#!/bin/sh
# Makes every file of this folder anew; needs openssl 3. The private keys of the authorities are not kept.
set -eu
cd "$(dirname "$0")"
from=20200101000000Z
to=21200101000000Z
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/ca.cnf" <<END
[ca]
default_ca=one
[one]
database=$work/index
serial=$work/serial
policy=any
default_md=sha256
unique_subject=no
[any]
commonName=supplied
END
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
# CERTIFICATE KEY COMMON-NAME EXTENSIONS, then how it is signed
signed() {
  out=$1 key=$2 name=$3
  printf '%s\n' "$4" > "$work/ext"
  shift 4
  : > "$work/index"
  openssl req -new -key "$key" -subj "/CN=$name" -out "$work/csr"
  openssl ca -batch -config "$work/ca.cnf" -notext -rand_serial -outdir "$work" \
    -startdate $from -enddate $to -extfile "$work/ext" -in "$work/csr" -out "$out" "$@" 2>"$work/log" || { cat "$work/log"; exit 1; }
}
authority() {
  key "$work/$1.key"
  signed "$1.pem" "$work/$1.key" "Rollcall test authority $1" 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign' -selfsign -keyfile "$work/$1.key"
}
# NAME AUTHORITY EXTENSIONS
issued() {
  key "$1.key"
  signed "$1.pem" "$1.key" "$1" "$3" -cert "$2.pem" -keyfile "$work/$2.key"
}
authority ca
authority other-ca
server='extendedKeyUsage=serverAuth
subjectAltName='
issued server ca "${server}DNS:localhost,IP:127.0.0.1"
issued stranger ca "${server}DNS:stranger.example.com"
issued server-of-other-ca other-ca "${server}DNS:localhost,IP:127.0.0.1"
issued client-one ca 'extendedKeyUsage=clientAuth'
issued client-two ca 'extendedKeyUsage=clientAuth'
issued client-of-other-ca other-ca 'extendedKeyUsage=clientAuth'
openssl pkcs8 -topk8 -in client-one.key -passout pass:correct-horse -v2 aes-256-cbc -out client-one.encrypted.key
chmod 644 ./*.key
