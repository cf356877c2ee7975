#!/bin/bash
# One run of a comparison as a task of a Slurm array, on a file system that all nodes share.
#
#   phoenix compare FILE --vary ... -o results --plan > cells.txt
#   sbatch --array=0-$(($(wc -l < cells.txt) - 1)) slurm.sh results
#   phoenix compare --resume results          # when all are done: the table
#
# Clusters limit how long an array may be (MaxArraySize, often 1001): submit several, with
# FIRST_CELL=1000 sbatch --array=0-999 ... for the second. Without a shared file system let each
# node work on its own copy of the folder and join them with `phoenix merge`.
#SBATCH --job-name=phoenix-compare
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --requeue
set -euo pipefail
results=${1:?the folder that \`phoenix compare --plan -o\` made}
exec phoenix compare --resume "$results" --cell $((SLURM_ARRAY_TASK_ID + ${FIRST_CELL:-0}))
