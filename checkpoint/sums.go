package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/internal/memory"
	"gorgonia.org/tensor"
)

// What stands in /meseta. The mark is spread over the file (in names and in an
// attribute's text), so that damage cannot make a file look like one without sums.
const (
	sumMark         = "meseta-sha256-v1"
	pathFileSum     = "meseta/" + sumMark + "-file"
	pathDatasetSums = "meseta/" + sumMark + "-datasets"
	pathModelConfig = "meseta/config"
	pathBlobs       = "meseta/state"
	pathTensors     = "meseta/tensors"
)

// seal adds the state of training and the sums to a tree that is complete
// otherwise.
//
// Each dataset's sum is taken of its bytes, in the order of Group.Walk; the
// file's of all its bytes, with the field that holds it as zeros.
func seal(root *hdf5.Group, s *State) error {
	if err := writeState(root, s); err != nil {
		return err
	}
	group, err := root.Make("meseta")
	if err != nil {
		return err
	}
	group.Attrs.Set("sums", hdf5.StringScalar(sumMark+": SHA-256 of each dataset's bytes in the order of a walk by sorted names, and of the file with that field as zeros", false))
	var sums []byte
	err = root.Walk(func(_ string, d *hdf5.Dataset) error {
		sum := sha256.Sum256(d.Data)
		sums = append(sums, sum[:]...)
		return nil
	})
	if err != nil {
		return err
	}
	perDataset := hdf5.Bytes(sums)
	perDataset.Shape = []int{len(sums) / sha256.Size, sha256.Size}
	if err := root.Put(pathDatasetSums, &hdf5.Dataset{Value: perDataset}); err != nil {
		return err
	}
	field := make([]byte, sha256.Size)
	if err := root.Put(pathFileSum, &hdf5.Dataset{Value: hdf5.Bytes(field)}); err != nil {
		return err
	}
	h := sha256.New()
	if err := hdf5.Write(h, root); err != nil {
		return err
	}
	h.Sum(field[:0])
	return nil
}

func writeState(root *hdf5.Group, s *State) error {
	if s == nil {
		return nil
	}
	if _, err := root.Make(pathBlobs); err != nil { // an empty state is a state
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Blobs)) {
		if err := checkStateName(name); err != nil {
			return err
		}
		if err := root.Put(pathBlobs+"/"+name, &hdf5.Dataset{Value: hdf5.Bytes(s.Blobs[name])}); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tensors)) {
		if err := checkStateName(name); err != nil {
			return err
		}
		d, err := dataset(s.Tensors[name])
		if err != nil {
			return fmt.Errorf("state %s: %w", name, err)
		}
		if err := root.Put(pathTensors+"/"+name, d); err != nil {
			return err
		}
	}
	return nil
}

func checkStateName(name string) error {
	for step := range strings.SplitSeq(name, "/") {
		if step == "" || step == "." || strings.ContainsRune(step, 0) {
			return fmt.Errorf("state cannot be named %q", name)
		}
	}
	return nil
}

// readState reads the state of training; nil where there is none.
func readState(root *hdf5.Group) (*State, error) {
	blobs := root.Group(pathBlobs)
	if blobs == nil {
		return nil, nil
	}
	s := &State{Blobs: map[string][]byte{}, Tensors: map[string]*tensor.Dense{}}
	err := blobs.Walk(func(path string, d *hdf5.Dataset) error {
		s.Blobs[path] = bytes.Clone(d.Data)
		return nil
	})
	if tensors := root.Group(pathTensors); tensors != nil && err == nil {
		err = tensors.Walk(func(path string, d *hdf5.Dataset) error {
			t, err := dense(d)
			if err != nil {
				return fmt.Errorf("state %s: %w", path, err)
			}
			s.Tensors[path] = t
			return nil
		})
	}
	return s, err
}

// Report is what Verify found.
type Report struct {
	Path     string       `json:"path"`
	Format   Format       `json:"format"`
	Summed   bool         `json:"summed"` // the file carries sums; if not, only its structure was checked
	OK       bool         `json:"ok"`     // nothing wrong was found
	File     CheckedSum   `json:"file"`
	Datasets []CheckedSum `json:"datasets"`
	problem  string       // what is wrong with the sums themselves
}

// CheckedSum is one sum that was compared.
type CheckedSum struct {
	Path  string `json:"path,omitempty"` // of the dataset
	Bytes int    `json:"bytes"`
	Sum   string `json:"sha256"` // of what is there
	OK    bool   `json:"ok"`     // it is the sum that the file states
}

// Verify compares every sum of the file at path with what is there.
//
// The error wraps ErrSum where one is wrong; the report is there all the same.
// Of a file without sums, such as those of Keras, the report says so: its
// structure is sound, and more cannot be known.
func Verify(path string) (*Report, error) {
	f, err := read(path)
	if err != nil {
		return nil, err
	}
	if f.sums.Summed {
		return f.sums, f.sums.err()
	}
	// Without sums, all that can be checked is that everything in it is readable.
	model, _, err := f.configs()
	if err == nil && model != nil {
		_, err = f.load()
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return f.sums, nil
}

// err is the first thing wrong, or nil.
func (r *Report) err() error {
	if r.OK {
		return nil
	}
	if r.problem != "" {
		return fmt.Errorf("checkpoint: %s: %s: %w", r.Path, r.problem, ErrSum)
	}
	for _, d := range r.Datasets {
		if !d.OK {
			return fmt.Errorf("checkpoint: %s: %s has SHA-256 %.16s…, which is not the one in the file: %w", r.Path, d.Path, d.Sum, ErrSum)
		}
	}
	return fmt.Errorf("checkpoint: %s: the whole has SHA-256 %.16s…, which is not the one in the file: %w", r.Path, r.File.Sum, ErrSum)
}

// String has a line for each array and for the whole, and one that says what they come to.
func (r *Report) String() string { return r.text(true) }

// Brief is String without the arrays whose sums are right, and without the whole where it is.
func (r *Report) Brief() string { return r.text(false) }

func (r *Report) text(right bool) string {
	var b strings.Builder
	word := map[bool]string{true: "ok   ", false: "WRONG"}
	list := func(sum CheckedSum, of string) {
		if right || !sum.OK {
			fmt.Fprintf(&b, "%s %s %9d bytes  %s\n", word[sum.OK], sum.Sum, sum.Bytes, of)
		}
	}
	for _, d := range r.Datasets {
		list(d, d.Path)
	}
	switch {
	case !r.Summed:
		fmt.Fprintf(&b, "%s (%s): no sums, so only its structure could be checked: it is sound\n", r.Path, r.Format)
	case r.problem != "":
		fmt.Fprintf(&b, "%s (%s): WRONG, %s\n", r.Path, r.Format, r.problem)
	default:
		list(r.File, "the whole file")
		fmt.Fprintf(&b, "%s (%s): %d arrays in %s; ", r.Path, r.Format, len(r.Datasets), memory.Size(r.File.Bytes))
		if r.OK {
			b.WriteString("their sums and that of the whole are right\n")
		} else {
			b.WriteString("DAMAGED\n")
		}
	}
	return b.String()
}

// compare takes all sums of f anew.
func (f *file) compare() *Report {
	r := &Report{Path: f.path, Format: f.format, Datasets: []CheckedSum{}}
	if !bytes.Contains(f.bytes, []byte(sumMark)) {
		r.OK = true
		return r
	}
	r.Summed = true
	stated, whole := f.root.Dataset(pathDatasetSums), f.root.Dataset(pathFileSum)
	if stated == nil || whole == nil || stated.Type != hdf5.Uint8 || whole.Type != hdf5.Uint8 ||
		len(whole.Data) != sha256.Size || whole.Offset == 0 || len(stated.Data)%sha256.Size != 0 {
		r.problem = "it had sums, and they cannot be read"
		return r
	}
	sums := stated.Data
	r.OK = true
	err := f.root.Walk(func(path string, d *hdf5.Dataset) error {
		if d == stated || d == whole {
			return nil
		}
		sum := sha256.Sum256(d.Data)
		right := len(sums) >= sha256.Size && bytes.Equal(sum[:], sums[:sha256.Size])
		sums = sums[min(sha256.Size, len(sums)):]
		r.OK = r.OK && right
		r.Datasets = append(r.Datasets, CheckedSum{path, len(d.Data), hex.EncodeToString(sum[:]), right})
		return nil
	})
	if err != nil || len(sums) > 0 {
		r.OK, r.problem = false, "it has sums of more datasets than it holds"
		return r
	}
	if f.format == Keras {
		f.compareZip(r, whole)
	} else {
		r.File = sumWithout(f.bytes, int(whole.Offset), whole.Data)
	}
	r.OK = r.OK && r.File.OK
	return r
}

// sumWithout takes the sum of b with the field at offset, which holds the sum
// itself, as zeros.
func sumWithout(b []byte, offset int, field []byte) CheckedSum {
	h := sha256.New()
	h.Write(b[:offset])
	h.Write(make([]byte, len(field)))
	h.Write(b[offset+len(field):])
	sum := h.Sum(nil)
	return CheckedSum{Bytes: len(b), Sum: hex.EncodeToString(sum), OK: bytes.Equal(sum, field)}
}
