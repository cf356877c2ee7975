#!/bin/bash
# The runs of a comparison by GNU parallel, on this machine or on others over ssh.
#
#   phoenix compare FILE --vary ... -o results --plan
#   parallel.sh results                                # one run for each core
#   parallel.sh results --sshlogin 4/alice,4/bob       # on hosts that share the folder
#   phoenix compare --resume results                   # when all are done: the table
#
# What follows the folder goes to parallel. Runs that have a result are not played again.
set -euo pipefail
results=${1:?the folder that \`phoenix compare --plan -o\` made}
shift
phoenix compare --resume "$results" --plan | cut -f1 |
  while read -r cell; do
    [ -e "$results/cells/$(printf %07d "$cell").json" ] || echo "$cell"
  done |
  parallel --will-cite --halt soon,fail=20% "$@" phoenix compare --resume "$results" --cell
