package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// pages reads README.md, CONTRIBUTING.md and all of docs/.
func pages(t *testing.T) map[string]string {
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string]string{}
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		texts[filepath.Base(file)] = string(text)
	}
	return texts
}

func TestConfigurationsInDocs(t *testing.T) {
	blocks := 0
	for page, text := range pages(t) {
		for _, block := range yamlBlock.FindAllStringSubmatch(text, -1) {
			blocks++
			file := filepath.Join(t.TempDir(), "run.yaml")
			require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
			_, err := resolved(t, file)
			assert.NoError(t, err, "%s:\n%s", page, block[1])
		}
	}
	assert.GreaterOrEqual(t, blocks, 3)
}

// resolved gives the configuration of train with a file.
func resolved(t *testing.T, file string) (config, error) {
	c := newTrain()
	require.NoError(t, c.ParseFlags([]string{"--config", file}))
	return resolve(c)
}

// The block of docs/training.md says what holds without it, and the table has every key and every flag.
func TestTrainingPage(t *testing.T) {
	text := pages(t)["training.md"]
	block := yamlBlock.FindStringSubmatch(text)
	require.NotNil(t, block)
	file := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
	cfg, err := resolved(t, file)
	require.NoError(t, err)
	want := defaultConfig()
	assert.Len(t, cfg.Callbacks, len(want.Callbacks))
	for _, c := range cfg.Callbacks {
		assert.Contains(t, want.Callbacks, c)
	}
	cfg.Callbacks, want.Callbacks, want.usual = nil, nil, false
	cfg.Augment, cfg.Metrics, cfg.WeightedMetrics = nil, nil, nil // an empty list is none
	assert.Equal(t, want, cfg)

	fields := reflect.TypeOf(cfg)
	for i := range fields.NumField() {
		key, ok := fields.Field(i).Tag.Lookup("yaml")
		if !ok {
			continue
		}
		assert.Contains(t, block[1], key+":")
		assert.True(t, strings.Contains(text, "\n| `"+key+"` |"), "no line for %s in the table", key)
	}
}

// README.md links every page.
func TestReadmeLinksPages(t *testing.T) {
	texts := pages(t)
	for page := range texts {
		assert.True(t, page == "README.md" || strings.Contains(texts["README.md"], "("+page+")") || strings.Contains(texts["README.md"], "(docs/"+page+")"), page)
	}
}

// What the pages call by the command's name is there, with its flags.
func TestCommandsInDocs(t *testing.T) {
	line := regexp.MustCompile(`(?m)^(?:go run ./cmd/meseta|meseta) ([a-z].*)$`)
	seen := 0
	for page, text := range pages(t) {
		for _, m := range line.FindAllStringSubmatch(text, -1) {
			words, _, _ := strings.Cut(m[1], "#")
			args := strings.Fields(words)
			c, rest, err := newRoot().Find(args)
			if assert.NoError(t, err, "%s: meseta %s", page, m[1]) {
				assert.NoError(t, c.ParseFlags(rest), "%s: meseta %s", page, m[1])
				assert.NoError(t, c.ValidateArgs(c.Flags().Args()), "%s: meseta %s", page, m[1])
			}
			seen++
		}
	}
	assert.GreaterOrEqual(t, seen, 10)
}

// Every package says what lives in it, and the files that it names are there.
func TestPackageComments(t *testing.T) {
	named := regexp.MustCompile(`(?:\.\./)?[\w*/]+\.(?:go|s|py)\b`)
	packages := 0
	err := filepath.WalkDir("../..", func(dir string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); dir != "../.." && (name[0] == '.' || name[0] == '_' || name == "testdata" || name == "runs") {
			return filepath.SkipDir
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			return err
		}
		packages++
		comment := ""
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			if f.Doc != nil && !strings.HasPrefix(f.Doc.Text(), "Code generated") {
				assert.Empty(t, comment, "%s: a second comment of the package", file)
				comment = f.Doc.Text()
			}
		}
		assert.Regexp(t, "^(Package|Command) ", comment, dir)
		for _, name := range named.FindAllString(comment, -1) {
			found, err := filepath.Glob(filepath.Join(dir, name))
			assert.True(t, err == nil && len(found) > 0, "%s: there is no %s", dir, name)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, packages, 30)
}

// Files and folders that the pages name are there.
func TestPathsInDocs(t *testing.T) {
	path := regexp.MustCompile("`([a-z_]+/[\\w./-]*)`")
	seen := 0
	for page, text := range pages(t) {
		for _, m := range path.FindAllStringSubmatch(text, -1) {
			top, _, _ := strings.Cut(m[1], "/")
			if _, err := os.Stat(filepath.Join("../..", top)); err != nil || top == "runs" { // which a run in this folder leaves
				continue // of a run, or of a file
			}
			_, err := os.Stat(filepath.Join("../..", m[1]))
			assert.NoError(t, err, "%s: %s", page, m[1])
			seen++
		}
	}
	assert.Greater(t, seen, 20)
}
