// Package hdf5 reads and writes HDF5 files: the bytes, and nothing of what they mean.
//
// It holds what Keras's files use. Written: superblock version 0, groups with
// symbol tables, contiguous datasets, attributes, numbers, fixed and
// variable-length strings; what h5py writes by default. Read besides: chunked
// datasets with deflate, shuffle and Fletcher-32, and the newer groups of
// superblocks 2 and 3. Whatever else a file holds is refused by name: nothing is
// dropped silently. Equal trees write equal bytes.
//
// Models, layers and checksums of checkpoints live in package checkpoint.
//
// Source: "HDF5 File Format Specification Version 3.0", The HDF Group. The
// sections named in comments are sections of that document.
package hdf5

import (
	"fmt"
	"slices"
	"strings"
)

// A FormatError reports a file that breaks the format: damaged, cut short, or
// not HDF5 at all.
type FormatError string

func (e FormatError) Error() string { return "hdf5: broken file: " + string(e) }

// An UnsupportedError reports a sound file that uses a feature which this
// package does not read.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "hdf5: unsupported feature: " + string(e) }

func broken(format string, args ...any) error { return FormatError(fmt.Sprintf(format, args...)) }

func unsupported(format string, args ...any) error {
	return UnsupportedError(fmt.Sprintf(format, args...))
}

// An Object is what a link of a group leads to: a *Group or a *Dataset.
type Object interface {
	// attributes gives the writer access to what both kinds have.
	attributes() []Attr
}

// Attr is a named value of a group or a dataset.
type Attr struct {
	Name string
	Value
}

// Attrs are the attributes of one object, in the order in which they are written.
type Attrs []Attr

// Get returns the attribute of that name, or nil.
func (a Attrs) Get(name string) *Attr {
	for i := range a {
		if a[i].Name == name {
			return &a[i]
		}
	}
	return nil
}

// Set gives the attribute of that name the value v, adding it at the end when it is new.
func (a *Attrs) Set(name string, v Value) {
	if old := a.Get(name); old != nil {
		old.Value = v
		return
	}
	*a = append(*a, Attr{Name: name, Value: v})
}

// Dataset is an array with attributes.
type Dataset struct {
	Value
	Attrs Attrs

	// Offset is where Data begins in the file that was read, in bytes; 0 for a
	// dataset that did not come from one contiguous place of a file.
	Offset int64
}

func (d *Dataset) attributes() []Attr { return d.Attrs }

// Group is a directory: named objects and attributes. The zero Group is empty
// and ready to use.
type Group struct {
	Attrs    Attrs
	children map[string]Object
}

func (g *Group) attributes() []Attr { return g.Attrs }

// Names lists the links of g, sorted bytewise, as a file stores them.
func (g *Group) Names() []string {
	names := make([]string, 0, len(g.children))
	for name := range g.children {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Lookup follows path, whose steps are parted by slashes, from g. It returns nil
// where there is nothing; the empty path and "/" are g itself.
func (g *Group) Lookup(path string) Object {
	var here Object = g
	for step := range strings.SplitSeq(path, "/") {
		if step == "" {
			continue
		}
		group, ok := here.(*Group)
		if !ok {
			return nil
		}
		if here, ok = group.children[step]; !ok {
			return nil
		}
	}
	return here
}

// Group returns the group at path, or nil.
func (g *Group) Group(path string) *Group {
	group, _ := g.Lookup(path).(*Group)
	return group
}

// Dataset returns the dataset at path, or nil.
func (g *Group) Dataset(path string) *Dataset {
	dataset, _ := g.Lookup(path).(*Dataset)
	return dataset
}

// Make returns the group at path and creates the groups that are missing on the
// way. It is an error when a dataset stands in the way.
func (g *Group) Make(path string) (*Group, error) {
	for step := range strings.SplitSeq(path, "/") {
		if step == "" {
			continue
		}
		switch child := g.children[step].(type) {
		case nil:
			next := &Group{}
			g.link(step, next)
			g = next
		case *Group:
			g = child
		default:
			return nil, fmt.Errorf("hdf5: cannot make group %q: %q is a dataset", path, step)
		}
	}
	return g, nil
}

// Put links d at path and creates the groups that are missing on the way. It is
// an error when the path is taken or empty.
func (g *Group) Put(path string, d *Dataset) error {
	dir, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	if name == "" {
		return fmt.Errorf("hdf5: %q does not name a dataset", path)
	}
	parent, err := g.Make(dir)
	if err != nil {
		return err
	}
	if parent.children[name] != nil {
		return fmt.Errorf("hdf5: %q exists already", path)
	}
	parent.link(name, d)
	return nil
}

// Remove unlinks name from g, if it is there.
func (g *Group) Remove(name string) { delete(g.children, name) }

func (g *Group) link(name string, o Object) {
	if g.children == nil {
		g.children = map[string]Object{}
	}
	g.children[name] = o
}

// Walk calls visit for every dataset below g, paths sorted step by step, and
// stops at the first error, which it returns.
func (g *Group) Walk(visit func(path string, d *Dataset) error) error {
	return g.walk("", visit)
}

func (g *Group) walk(prefix string, visit func(string, *Dataset) error) error {
	for _, name := range g.Names() {
		var err error
		switch o := g.children[name].(type) {
		case *Group:
			err = o.walk(prefix+name+"/", visit)
		case *Dataset:
			err = visit(prefix+name, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
