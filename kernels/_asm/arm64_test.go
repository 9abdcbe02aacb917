package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestEncodings holds every instruction that is written as a word against GNU's assembler.
func TestEncodings(t *testing.T) {
	table, err := os.ReadFile("testdata/arm64.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(table)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		want, text, _ := strings.Cut(line, " ")
		format, word, made := encode(text)
		if got := fmt.Sprintf("%08x", word); got != want || made != text {
			t.Errorf("%s is %s, got %s %s", text, want, got, made)
		}
		seen[format]++
	}
	formats := []string{element + "0", element + "1", element + "2", element + "3"}
	for f := range threeSame {
		formats = append(formats, f)
	}
	for f := range twoMisc {
		formats = append(formats, f)
	}
	for _, f := range formats {
		if seen[f] < 4 {
			t.Errorf("testdata/arm64.txt has %q %d times, want 4 or more; add it to make_arm64.sh", f, seen[f])
		}
	}
}

const element = "fmla v%d.4s, v%d.4s, v%d.s[%d] of lane "

// encode finds the encoder of an instruction by its text.
func encode(text string) (format string, word uint32, made string) {
	var d, n, m, lane int
	if _, err := fmt.Sscanf(text, "fmla v%d.4s, v%d.4s, v%d.s[%d]", &d, &n, &m, &lane); err == nil {
		word, made = fmlaElement(d, n, m, lane)
		return element + fmt.Sprint(lane), word, made
	}
	for f := range threeSame {
		if _, err := fmt.Sscanf(text, f, &d, &n, &m); err == nil {
			word, made = same(f, d, n, m)
			return f, word, made
		}
	}
	for f := range twoMisc {
		if _, err := fmt.Sscanf(text, f, &d, &n); err == nil {
			word, made = misc(f, d, n)
			return f, word, made
		}
	}
	return "", 0, ""
}
