# Programs that use rstanarm.
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
source(file.path(here, "_printed.R"))
answer("rstanarm")
