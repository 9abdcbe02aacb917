package hdf5

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seen is what h5py sees of an object or attribute; see testdata/dump.py.
type seen struct {
	Kind    string          `json:"kind"`
	Type    string          `json:"type"`
	Shape   []int           `json:"shape"`
	UTF8    bool            `json:"utf8"`
	Strings []string        `json:"strings"`
	Sum     string          `json:"sha256"`
	Attrs   map[string]seen `json:"attrs"`
}

func describe(t *testing.T, v *Value) seen {
	s := seen{Type: v.Type.String(), Shape: v.Shape}
	if v.Type.Class == VarString || v.Type.Class == FixedString {
		var err error
		s.Strings, err = v.Strings()
		require.NoError(t, err)
		s.UTF8 = v.Type.UTF8
		return s
	}
	sum := sha256.Sum256(v.Data)
	s.Sum = hex.EncodeToString(sum[:8])
	return s
}

func describeAttrs(t *testing.T, attrs Attrs) map[string]seen {
	out := map[string]seen{}
	for _, a := range attrs {
		out[a.Name] = describe(t, &a.Value)
	}
	return out
}

// describeTree is what our reader sees, in the form of dump.py.
func describeTree(t *testing.T, root *Group) map[string]seen {
	out := map[string]seen{}
	var visit func(o Object, path string)
	visit = func(o Object, path string) {
		switch o := o.(type) {
		case *Group:
			out[path] = seen{Kind: "group", Attrs: describeAttrs(t, o.Attrs)}
			for _, name := range o.Names() {
				visit(o.Lookup(name), strings.TrimRight(path, "/")+"/"+name)
			}
		case *Dataset:
			s := describe(t, &o.Value)
			s.Kind, s.Attrs = "dataset", describeAttrs(t, o.Attrs)
			out[path] = s
		}
	}
	visit(root, "/")
	return out
}

func goldens(t testing.TB) map[string]map[string]seen {
	b, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var golden struct {
		Files map[string]map[string]seen `json:"files"`
	}
	require.NoError(t, json.Unmarshal(b, &golden))
	require.NotEmpty(t, golden.Files)
	return golden.Files
}

// What h5py wrote reads as h5py reads it, and reads the same after we wrote it again.
func TestReadsWhatH5pyWrote(t *testing.T) {
	for name, want := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			root, err := ReadFile(filepath.Join("testdata", name))
			require.NoError(t, err)
			require.Equal(t, want, describeTree(t, root))

			var first, second bytes.Buffer
			require.NoError(t, Write(&first, root))
			again, err := Read(bytes.NewReader(first.Bytes()), int64(first.Len()))
			require.NoError(t, err)
			require.Equal(t, want, describeTree(t, again))
			require.NoError(t, Write(&second, again))
			require.True(t, bytes.Equal(first.Bytes(), second.Bytes()), "equal trees must give equal bytes")
		})
	}
}

// A fractal heap with an indirect block under a B-tree of three levels, and a
// symbol table of two levels.
func TestReadsManyAttributesAndLinks(t *testing.T) {
	root, err := ReadFile("testdata/deep.h5")
	require.NoError(t, err)
	require.Len(t, root.Attrs, 620)
	for k := range 620 {
		a := root.Attrs.Get(fmt.Sprint(k))
		require.NotNil(t, a)
		require.Equal(t, []byte{byte(k % 100)}, a.Data)
	}
	root, err = ReadFile("testdata/links.h5")
	require.NoError(t, err)
	require.Len(t, root.Names(), 140)
	for k := range 140 {
		d := root.Dataset(fmt.Sprintf("link%03d", k))
		require.NotNil(t, d)
		require.Equal(t, []byte{byte(k % 100)}, d.Data)
	}
}

// h5py sees in what we write exactly what we meant.
func TestH5pyReadsWhatWeWrite(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON does not name a Python with h5py")
	}
	dir := t.TempDir()
	want := map[string]map[string]seen{}
	for name := range goldens(t) {
		root, err := ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		path := filepath.Join(dir, name)
		require.NoError(t, WriteFile(path, root))
		want[path] = describeTree(t, root)
	}
	for _, links := range []int{0, 1, 8, 9, 256, 257, 3000} {
		path := filepath.Join(dir, fmt.Sprintf("links%d.h5", links))
		root := manyLinks(t, links)
		require.NoError(t, WriteFile(path, root))
		want[path] = describeTree(t, root)
	}
	args := []string{"testdata/dump.py"}
	for path := range want {
		args = append(args, path)
	}
	command := exec.Command(python, args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	require.NoError(t, err)
	var got map[string]map[string]seen
	require.NoError(t, json.Unmarshal(out, &got))
	for path := range want {
		assert.Equal(t, want[path], got[path], path)
	}
}

// The heap of a group of 6,000 long names has indirect blocks below its root.
func TestReadsLargeNewGroups(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON does not name a Python with h5py")
	}
	path := filepath.Join(t.TempDir(), "large.h5")
	const script = `
import h5py, sys
with h5py.File(sys.argv[1], "w", libver="latest") as f:
    g = f.create_group("g")
    for k in range(6000):
        g.attrs[f"{k:0120}"] = k
`
	out, err := exec.Command(python, "-c", script, path).CombinedOutput()
	require.NoError(t, err, string(out))
	root, err := ReadFile(path)
	require.NoError(t, err)
	attrs := root.Group("g").Attrs
	require.Len(t, attrs, 6000)
	for k := range 6000 {
		a := attrs.Get(fmt.Sprintf("%0120d", k))
		require.NotNil(t, a)
		n, err := a.Int64s()
		require.NoError(t, err)
		require.EqualValues(t, k, n[0])
	}
}

// Files that use what we do not read are refused by the name of the feature.
func TestRefusesByName(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.h5")
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".h5")
		t.Run(name, func(t *testing.T) {
			_, err := ReadFile(path)
			var refusal UnsupportedError
			require.ErrorAs(t, err, &refusal)
			feature, _, _ := strings.Cut(name, " in a")
			assert.Contains(t, err.Error(), feature)
			assert.Contains(t, err.Error(), path)
		})
	}
}

// manyLinks is a tree of n groups and n datasets, so 2n links beside each other.
func manyLinks(t testing.TB, n int) *Group {
	root := &Group{}
	for k := range n {
		require.NoError(t, root.Put(fmt.Sprintf("dataset_%d", k), &Dataset{Value: Int64Values([]int64{int64(k)})}))
		g, err := root.Make(fmt.Sprintf("group_%d", k))
		require.NoError(t, err)
		g.Attrs.Set("k", StringScalar(fmt.Sprint(k), true))
	}
	return root
}
