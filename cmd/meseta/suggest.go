package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// otherWords are what Keras and others call some settings and commands, and what they are called here.
var otherWords = map[string]string{
	"batch_size": "batch", "learning_rate": "lr", "lr": "learning_rate", "validation_split": "val", "validation_data": "val", "dataset": "data",
	"data_dir": "data", "weights": "model", "gpu": "device",
	"fit": "train", "evaluate": "eval", "test": "eval", "summary": "inspect",
}

// meant gives the one of words that was probably meant by another, or "".
func meant(word string, words []string) string {
	if w := otherWords[strings.ReplaceAll(word, "-", "_")]; slices.Contains(words, w) {
		return w
	}
	word = plainWord(word)
	best, distance := "", 3 // up to two mistakes, in fewer than half of the letters
	for _, w := range words {
		if d := mistakes(word, plainWord(w)); d < distance && 2*d < len(word) {
			best, distance = w, d
		}
	}
	return best
}

// didYouMean ends a message with the word that was probably meant, if there is one.
func didYouMean(word string, words []string) string {
	if w := meant(word, words); w != "" {
		return "; did you mean " + w + "?"
	}
	return ""
}

// plainWord has neither case nor separators.
func plainWord(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
}

// mistakes counts the letters to insert, remove, change, or swap with their neighbour, to make b of a (the Damerau-Levenshtein distance of
// restricted edits).
func mistakes(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// flagError says which flag may have been meant, where there is none of this name.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var flags []string
		c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		if likely := meant(unknown.GetSpecifiedName(), flags); likely != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, likely)
		}
	}
	return usageError{err}
}

// oneBelow is for commands that only have others below them: it says that there is no such one, and which may have been meant.
func oneBelow(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, below := range c.Commands() {
		names = append(names, below.Name())
	}
	return usageError{fmt.Errorf("%s has no command %q%s", c.CommandPath(), args[0], didYouMean(args[0], names))}
}

// settingError says that a configuration has no such setting, and which may have been meant.
func settingError(name string) error {
	var settings []string
	for f := range reflect.TypeFor[config]().Fields() {
		if name, ok := f.Tag.Lookup("yaml"); ok {
			settings = append(settings, name)
		}
	}
	hint := didYouMean(name, settings)
	switch {
	case hint != "":
	case slices.Contains(callbacks.Names(), name):
		hint = fmt.Sprintf("; callbacks stand under callbacks:, as callbacks: {%s: {…}}", name)
	default:
		hint = "; the settings are " + strings.Join(settings, ", ")
	}
	return fmt.Errorf("there is no setting %q%s", name, hint)
}
