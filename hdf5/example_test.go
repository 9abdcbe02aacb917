package hdf5_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/meseta-go/meseta/hdf5"
)

// A file with one array in a group, written and read again; h5py and others read it as well.
func Example() {
	root := &hdf5.Group{}
	root.Attrs.Set("unit", hdf5.StringScalar("metre", true))
	if err := root.Put("lengths/first", &hdf5.Dataset{Value: hdf5.Float32Values([]float32{1, 2, 3, 4, 5, 6}, 2, 3)}); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := hdf5.Write(&file, root); err != nil {
		log.Fatal(err)
	}

	read, err := hdf5.Parse(file.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	unit, err := read.Attrs.Get("unit").ScalarString()
	if err != nil {
		log.Fatal(err)
	}
	lengths := read.Dataset("lengths/first")
	values, err := lengths.Float32s()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lengths.Shape, values, unit)
	// Output: [2 3] [1 2 3 4 5 6] metre
}
