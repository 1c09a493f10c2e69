# Programs that use brms.
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
source(file.path(here, "_printed.R"))
answer("brms")
