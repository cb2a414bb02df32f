# shellcheck shell=bash
# Sourced by the stages of the recipes: the tables of a results file, by the same command for all tasks.
#
# run.sh and the stages set: experiments (folder), results (file), test_sets (separated by commas), baseline (systems that
# the others are compared with); perhaps report_sets (others than test_sets), metric (wer), primary (SNRs whose mean is
# the primary metric, or each or all), also (metrics of another stage), columns (tags that systems share, separated by
# commas: columns of the small table, panels of the figure), criteria (of validations, drawn over the steps of the
# trainings beside the results), with_figure (not empty: draws the metric over SNR beside the results), with_gain_figure
# (not empty: draws what systems gain over the baseline, over the columns), over_speakers (not empty: intervals over
# speakers, not utterances), confusion (not empty: draws confusion matrices beside the results), published (values for the
# small table; conf/published.tsv of the recipe, where there is one).

report() {
  if [ "$report" = false ]; then return; fi
  results=${results:-$experiments/RESULTS.md}
  local options=(--exp "$experiments" --sets "${report_sets:-$test_sets}" --baseline "$baseline" --out "$results")
  options+=(--metric "${metric:-wer}" "--primary=${primary:--5,0,5}")
  if [ -n "${also:-}" ]; then options+=(--also "$also"); fi
  if [ -n "${columns:-}" ]; then options+=(--columns "$columns"); fi
  if [ -n "${with_figure:-}" ]; then options+=(--figure "${results%.md}_snr.png"); fi
  if [ -n "${with_gain_figure:-}" ]; then options+=(--gain-figure "${results%.md}_gain.png"); fi
  if [ -n "${over_speakers:-}" ]; then options+=(--over-speakers); fi
  if [ -n "${confusion:-}" ]; then options+=(--confusion "${results%.md}_confusion.png"); fi
  if [ -n "${criteria:-}" ]; then options+=(--criteria "$criteria" --criteria-figure "${results%.md}_training.png"); fi
  if [ -e "${published:=conf/published.tsv}" ]; then options+=(--published "$published"); fi
  # One process after the other, so that the last one writes the scores of all into a shared results file.
  mkdir -p "$experiments"
  flock "$experiments/.report.lock" nrsr report "${options[@]}"
}
