# Runs programs as printed and keeps the values that are wanted: numbers as text, 17 digits.
number_text <- function(values) format(as.numeric(values), digits = 17, trim = TRUE)

answer <- function(packages) {
  place <- commandArgs(trailingOnly = TRUE)[1]
  for (folder in sort(list.dirs(place, recursive = FALSE))) {
    inside <- function(name) file.path(folder, name)
    space <- new.env()
    space$x <- as.matrix(read.table(inside("x.txt")))
    dimnames(space$x) <- list(NULL, paste0("x", seq_len(ncol(space$x)) - 1))
    space$y <- scan(inside("y.txt"), quiet = TRUE)
    space$weights <- scan(inside("weights.txt"), quiet = TRUE)
    tryCatch(suppressWarnings({
      eval(parse(inside("code.R")), space)
      for (wanted in list.files(folder, "[.]wanted$")) {
        value <- eval(parse(inside(wanted)), space)
        writeLines(number_text(value), inside(sub("wanted$", "txt", wanted)))
      }
    }), error = function(problem) writeLines(conditionMessage(problem), inside("error.txt")))
  }
  versions <- sapply(packages, function(name) paste(name, as.character(packageVersion(name))))
  writeLines(c(paste("R", getRversion()), versions), file.path(place, "versions.txt"))
}
