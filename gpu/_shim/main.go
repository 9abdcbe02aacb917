// Command shim writes shim_names.h: the functions of NVIDIA's driver that the program names, which shim.S defines.
//
// The compiler knows them best: it builds gorgonia.org/cu and package gpu with the headers of CUDA 11, 12 and 13, and what stays undefined in their
// objects is the list. That all of them build is checked on the way. The headers come from ../_headers.
package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	binding = "gorgonia.org/cu"
	here    = "github.com/meseta-go/meseta/gpu"
	output  = "shim_names.h"

	// optional is what package gpu calls and can do without.
	optional = "cuFuncGetParamInfo"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("shim: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "shim")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := os.Stat(output); err != nil { // package gpu does not build without one
		if err := os.WriteFile(output, nil, 0o666); err != nil {
			return err
		}
	}
	ours := map[string]bool{} // whether package gpu calls it itself, not through the binding
	for _, version := range []string{"11", "12", "13"} {
		for _, pkg := range []string{binding, here} {
			names, err := undefined(pkg, version, filepath.Join(dir, "objects.a"))
			if err != nil {
				return fmt.Errorf("%s with CUDA %s's headers: %w", pkg, version, err)
			}
			for _, name := range names {
				ours[name] = ours[name] || pkg == here
			}
		}
	}
	delete(ours, "cuInit") // shim.c has its own
	ours[optional] = false
	if len(ours) == 0 {
		return fmt.Errorf("nothing is undefined in the objects of %s", binding)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Written by _shim. Number and name of each function; whether package gpu cannot do without it.\n")
	for i, name := range slices.Sorted(maps.Keys(ours)) {
		fmt.Fprintf(&b, "FORWARD(%d, %s, %d)\n", i, name, map[bool]int{true: 1}[ours[name]])
	}
	return os.WriteFile(output, b.Bytes(), 0o666)
}

// undefined builds a package and lists the driver's functions that its objects leave to others.
func undefined(pkg, version, archive string) ([]string, error) {
	flags, err := exec.Command("_headers/cflags.sh", version).Output()
	if err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-tags", "nvidia", "-o", archive, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS="+strings.TrimSpace(string(flags)))
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	members, err := unpack(archive)
	if err != nil {
		return nil, err
	}
	missing, defined := map[string]bool{}, map[string]bool{}
	for _, member := range members {
		if !bytes.HasPrefix(member, []byte(elf.ELFMAG)) {
			continue
		}
		f, err := elf.NewFile(bytes.NewReader(member))
		if err != nil {
			return nil, err
		}
		symbols, err := f.Symbols()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return nil, err
		}
		for _, s := range symbols {
			switch {
			case !strings.HasPrefix(s.Name, "cu") || len(s.Name) < 3 || s.Name[2] < 'A' || s.Name[2] > 'Z':
			case s.Section == elf.SHN_UNDEF:
				missing[s.Name] = true
			case pkg == binding:
				defined[s.Name] = true
			}
		}
	}
	var names []string
	for name := range missing {
		if !defined[name] {
			names = append(names, name)
		}
	}
	return names, nil
}

// unpack gives the members of an archive as ar makes them.
func unpack(path string) ([][]byte, error) {
	const magic, header = "!<arch>\n", 60
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok {
		return nil, fmt.Errorf("%s is not an archive", path)
	}
	var members [][]byte
	for len(rest) >= header {
		n, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || n > len(rest)-header {
			return nil, fmt.Errorf("%s has a member of %q bytes", path, rest[48:58])
		}
		members = append(members, rest[header:header+n])
		rest = rest[min(header+n+n%2, len(rest)):]
	}
	return members, nil
}
