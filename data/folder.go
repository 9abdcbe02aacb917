package data

import (
	"errors"
	"fmt"
	"image"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// FolderOptions say how a folder of images is read. The zero value reads colour images that all have one size.
type FolderOptions struct {
	// Size is the height and width that images are resized to, bilinear. [0,0]: they must all have one size, and keep it.
	Size [2]int
	// Channels is 3 for red, green and blue, or 1 for grey; 0 means 3. Transparency is dropped.
	Channels int
	// ClassNames is the order of the classes; nil means all class folders, in alphabetical order.
	ClassNames []string
	// SkipBroken leaves out images that cannot be read (see Folder.Broken), instead of failing. Which ones these are is known only
	// after decoding all of them once, which OpenFolder then does.
	SkipBroken bool
	// MaxPixels bounds the pixels of an image as it is stored; 0 means 2^25, 33 million. Each goroutine that reads may need 16
	// bytes a pixel of its image.
	MaxPixels int
	// CacheBytes keeps decoded images in memory, as bytes, if all of them fit into so many; 0 means none.
	CacheBytes int64
	// PackedBytes bounds the memory for the files of a .tar.gz, which are held as they are, encoded; 0 means 2 GiB. Of all
	// other containers nothing is held.
	PackedBytes int64
}

// BrokenImage is a file that could not be read, and why.
type BrokenImage struct {
	Name string
	Err  error
}

// Folder is a data set of image files, one folder for each class, which Read decodes. Make one with OpenFolder. That of OpenImages has no classes.
type Folder struct {
	container  *container
	options    FolderOptions
	classNames []string
	files      []folderFile
	broken     []BrokenImage
	shape      []int
	size       int

	scratch sync.Pool // of *folderScratch
	// The cache, or nil: image i is at pixels[i*size:] once filled[i] is cacheFull.
	pixels []uint8
	filled []atomic.Uint32
}

type folderFile struct {
	*member
	label         int32
	width, height int
}

// folderScratch is what a goroutine needs to read one image.
type folderScratch struct {
	file   []byte
	pixels []uint8
}

const (
	cacheEmpty = iota
	cacheFilling
	cacheFull
)

// OpenFolder makes a data set of a folder that holds one folder for each class, or of a .tar, .tar.gz or .zip file that holds
// such folders. Archives are never unpacked to disk.
//
// Images are .jpg, .jpeg, .png, .gif (the first frame), .bmp and .webp files, at any depth in a class's folder; what they are
// is told by their first bytes. Classes, and the images in them, are in alphabetical order, as in Keras's
// image_dataset_from_directory, whatever the order in an archive; so use HoldOut to split, not Split, which would hold back the
// last classes. Hidden files and those with other suffixes do not count, and links to folders are not followed.
// If the classes lie within one more folder, as archives often have it, that is looked through. Read gives numbers from 0 to 1.
//
// All headers are read now, which bounds sizes before any image is decoded; pixels are decoded by Read, in the goroutines of
// the Loader. Errors name the file, and wrap ErrBroken or ErrUnsupported.
func OpenFolder(name string, options FolderOptions) (*Folder, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	c, err := openContainer(name, options.PackedBytes)
	if err != nil {
		return nil, err
	}
	f, err := newFolder(c, c.root(), options)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return f, nil
}

// OpenImages is OpenFolder for images without classes: a single file, or all images of a folder or archive, at any depth, by folder and
// name. ClassNames of the options do not count.
func OpenImages(name string, options FolderOptions) (*Folder, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	c, err := openImageFile(name)
	if c == nil && err == nil {
		c, err = openContainer(name, options.PackedBytes)
	}
	if err != nil {
		return nil, err
	}
	f := &Folder{container: c, options: options}
	for i := range c.members {
		if m := &c.members[i]; !m.folder {
			f.files = append(f.files, folderFile{member: m})
		}
	}
	if len(f.files) == 0 {
		err = fmt.Errorf("data: folder: %s: there is no image in it; want .jpg, .jpeg, .png, .gif, .bmp or .webp files", name)
	} else {
		err = f.prepare(name)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return f, nil
}

// OpenFolders is OpenFolder for a folder or archive that holds the folders train and test, with class folders in each.
// Where there is no folder train, it is all class folders, and test is nil; so it is where there is no folder test.
//
// Both have the classes of train; one that only test has is an error. Closing one closes both.
func OpenFolders(name string, options FolderOptions) (train, test *Folder, err error) {
	if options, err = options.complete(); err != nil {
		return nil, nil, err
	}
	c, err := openContainer(name, options.PackedBytes)
	if err != nil {
		return nil, nil, err
	}
	parts := c.parts()
	if train, err = newFolder(c, parts[0], options); err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	if len(parts) == 1 {
		return train, nil, nil
	}
	own := options.Size == [2]int{}
	options.ClassNames, options.Size = train.classNames, [2]int{train.shape[0], train.shape[1]}
	if test, err = newFolder(c, parts[1], options); err == nil && own {
		err = test.haveSize(options.Size)
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	return train, test, nil
}

func (o FolderOptions) complete() (FolderOptions, error) {
	if o.Channels == 0 {
		o.Channels = 3
	}
	if o.MaxPixels == 0 {
		o.MaxPixels = 1 << 25
	}
	if o.PackedBytes == 0 {
		o.PackedBytes = 2 << 30
	}
	switch h, w := o.Size[0], o.Size[1]; {
	case o.Channels != 1 && o.Channels != 3:
		return o, fmt.Errorf("data: folder: %d channels, want 3 for colours or 1 for grey", o.Channels)
	case o.Size != [2]int{} && (h < 1 || w < 1 || h > 1<<15 || w > 1<<15):
		return o, fmt.Errorf("data: folder: size is %v, height and width must be 1 to %d, or both 0 for the images' own", o.Size, 1<<15)
	case o.MaxPixels < 1 || o.CacheBytes < 0 || o.PackedBytes < 0:
		return o, fmt.Errorf("data: folder: limits of %d pixels, %d and %d bytes, none may be negative", o.MaxPixels, o.CacheBytes, o.PackedBytes)
	}
	return o, nil
}

// root is the folder that holds the class folders: the container's own, or the only folder in it if all images lie two deeper.
func (c *container) root() string {
	top := ""
	for _, m := range c.members {
		first, rest, deeper := strings.Cut(m.name, "/")
		if top != "" && first != top {
			return ""
		}
		top = first
		if !m.folder && (!deeper || !strings.Contains(rest, "/")) {
			return ""
		}
	}
	return top
}

// parts are the folders train and, if it is there, test; or only the folder that holds the class folders.
func (c *container) parts() []string {
	for _, root := range []string{"", c.root()} {
		train, test := path.Join(root, "train"), path.Join(root, "test")
		if !c.isFolder(train) {
			continue
		}
		if c.isFolder(test) {
			return []string{train, test}
		}
		return []string{train}
	}
	return []string{c.root()}
}

// isFolder says whether anything lies in a folder of this name. Archives need not list folders by themselves.
func (c *container) isFolder(name string) bool {
	return slices.ContainsFunc(c.members, func(m member) bool {
		return m.name == name && m.folder || strings.HasPrefix(m.name, name+"/")
	})
}

// index finds the classes below a folder of the container, and their images. An image that lies in no class is ignored.
func (c *container) index(root string, classNames []string) (names []string, files []folderFile, ignored int, err error) {
	prefix := ""
	if root != "" {
		prefix = root + "/"
	}
	number := map[string]int32{}
	for i, name := range classNames {
		if _, twice := number[name]; twice {
			return nil, nil, 0, fmt.Errorf("class %q is named twice", name)
		}
		number[name] = int32(i)
	}
	for i := range c.members {
		m := &c.members[i]
		inside, ok := strings.CutPrefix(m.name, prefix)
		if !ok {
			continue
		}
		class, _, deeper := strings.Cut(inside, "/")
		if !deeper && !m.folder {
			ignored++
			continue
		}
		if _, known := number[class]; !known {
			if classNames != nil {
				return nil, nil, 0, fmt.Errorf("there is a folder %q, which is none of the %d classes %s", prefix+class, len(classNames), brief(classNames))
			}
			number[class] = 0
			names = append(names, class)
		}
		if !m.folder {
			files = append(files, folderFile{member: m})
		}
	}
	if classNames != nil {
		names = slices.Clone(classNames)
	} else {
		slices.Sort(names)
		for i, name := range names {
			number[name] = int32(i)
		}
	}
	for i := range files {
		class, _, _ := strings.Cut(files[i].name[len(prefix):], "/")
		files[i].label = number[class]
	}
	slices.SortStableFunc(files, func(a, b folderFile) int { return int(a.label - b.label) })
	return names, files, ignored, nil
}

// brief lists at most ten names.
func brief(names []string) string {
	if len(names) > 10 {
		return fmt.Sprintf("%q…", names[:10])
	}
	return fmt.Sprintf("%q", names)
}

func newFolder(c *container, root string, options FolderOptions) (*Folder, error) {
	f := &Folder{container: c, options: options}
	where := path.Join(c.path, root)
	var err error
	if f.classNames, f.files, _, err = c.index(root, options.ClassNames); err != nil {
		return nil, fmt.Errorf("data: folder: %s: %w", where, err)
	}
	if len(f.files) == 0 {
		return nil, fmt.Errorf("data: folder: %s: there are %d folders with no image in them; want a folder for each class, with .jpg, .jpeg, .png, .gif, .bmp or .webp files",
			where, len(f.classNames))
	}
	if err := f.prepare(where); err != nil {
		return nil, err
	}
	return f, nil
}

// prepare reads the headers of the files, and with SkipBroken all of them, and makes room for their pixels.
func (f *Folder) prepare(where string) error {
	c, options := f.container, f.options
	f.drop(parallel(len(f.files), func(i int) error {
		file := &f.files[i]
		h, err := c.header(file.member, options.MaxPixels)
		file.width, file.height = h.width, h.height
		return err
	}))
	if err := f.complain(where); err != nil {
		return err
	}
	size := options.Size
	if size == [2]int{} {
		size = [2]int{f.files[0].height, f.files[0].width}
		if err := f.haveSize(size); err != nil {
			return err
		}
	}
	f.shape = []int{size[0], size[1], options.Channels}
	f.size = product(f.shape)
	f.scratch.New = func() any { return &folderScratch{pixels: make([]uint8, f.size)} }
	if n := int64(len(f.files)); n <= options.CacheBytes/int64(f.size) {
		f.pixels, f.filled = make([]uint8, n*int64(f.size)), make([]atomic.Uint32, n)
	}
	if options.SkipBroken {
		problems := parallel(len(f.files), func(i int) error {
			s := f.scratch.Get().(*folderScratch)
			defer f.scratch.Put(s)
			_, err := f.image(i, s)
			return err
		})
		f.drop(problems)
		if err := f.complain(where); err != nil {
			return err
		}
	}
	return nil
}

// drop takes the images with a problem out, and remembers why.
func (f *Folder) drop(problems []error) {
	kept := 0
	for i, problem := range problems {
		if problem != nil {
			f.broken = append(f.broken, BrokenImage{Name: f.files[i].name, Err: problem})
			continue
		}
		if f.pixels != nil && kept != i {
			copy(f.pixels[kept*f.size:(kept+1)*f.size], f.pixels[i*f.size:])
			f.filled[kept].Store(f.filled[i].Load())
		}
		f.files[kept] = f.files[i]
		kept++
	}
	f.files = f.files[:kept]
}

// complain is the error that broken images are where they are not to be skipped, or where nothing else is left.
func (f *Folder) complain(where string) error {
	if len(f.broken) == 0 || (f.options.SkipBroken && len(f.files) > 0) {
		return nil
	}
	others := ""
	for _, b := range f.broken[1:min(3, len(f.broken))] {
		others += fmt.Sprintf("; %s: %v", b.Name, b.Err)
	}
	if len(f.broken) > 3 {
		others += "; …"
	}
	return fmt.Errorf("data: folder: %s: %d of %d images cannot be read, remove them or skip them (SkipBroken, --skip-broken): %s: %w%s",
		where, len(f.broken), len(f.broken)+len(f.files), f.broken[0].Name, f.broken[0].Err, others)
}

// haveSize returns an error unless all images are stored with a height and width.
func (f *Folder) haveSize(size [2]int) error {
	for _, file := range f.files {
		if file.height != size[0] || file.width != size[1] {
			return fmt.Errorf("data: folder: %s is %dx%d pixels, others are %dx%d (width x height); give Size to resize all",
				path.Join(f.container.path, file.name), file.width, file.height, size[1], size[0])
		}
	}
	return nil
}

// parallel calls f for 0 to n-1, on all processors, and gives what each call returned.
func parallel(n int, f func(i int) error) []error {
	problems := make([]error, n)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				problems[i] = f(i)
			}
		})
	}
	group.Wait()
	return problems
}

// Len is the number of images, without those that were skipped.
func (f *Folder) Len() int { return len(f.files) }

// Shape is H, W, C.
func (f *Folder) Shape() []int { return f.shape }

// Classes is the number of class folders, empty ones included.
func (f *Folder) Classes() int { return len(f.classNames) }

// ClassNames are the names of the class folders, in the order of their labels.
func (f *Folder) ClassNames() []string { return slices.Clone(f.classNames) }

// Counts is the number of images of each class.
func (f *Folder) Counts() []int {
	counts := make([]int, len(f.classNames))
	for _, file := range f.files {
		counts[file.label]++
	}
	return counts
}

// Name is the path of image i within the folder or archive, with /.
func (f *Folder) Name(i int) string { return f.files[i].name }

// Broken lists the images that were skipped, with SkipBroken.
func (f *Folder) Broken() []BrokenImage { return slices.Clone(f.broken) }

// Ignored is how many files there are in the folder or archive that are no images by their names, as .heic is none here; hidden files do not count.
func (f *Folder) Ignored() int { return f.container.ignored }

// Close closes the archive, after which Read fails, also that of data sets that were opened together with f.
func (f *Folder) Close() error { return f.container.close() }

// Read decodes images and writes each pixel divided by 255. See Dataset.
func (f *Folder) Read(dst []float32, labels []int32, indices []int32) error {
	return f.read(dst, labels, indices, nil)
}

// read is Read; where a is not nil, of parts of the images. An image that is stored in another size than Size gives its part as it is stored, and is
// then decoded each time, cache or not.
func (f *Folder) read(dst []float32, labels []int32, indices []int32, a *Augmenter) error {
	if err := checkRead(len(dst), labels, indices, len(f.files), f.size, len(f.classNames)); err != nil {
		return err
	}
	s := f.scratch.Get().(*folderScratch)
	defer f.scratch.Put(s)
	for i, index := range indices {
		file := &f.files[index]
		resized := file.height != f.shape[0] || file.width != f.shape[1]
		var pixels []uint8
		var err error
		if a != nil && resized {
			pixels, err = s.pixels, f.decode(int(index), s.pixels, a.part(i, file.height, file.width), s)
		} else {
			pixels, err = f.image(int(index), s)
		}
		if err != nil {
			return f.failed(file, err)
		}
		toUnit(dst[i*f.size:(i+1)*f.size], pixels)
		if a != nil && !resized {
			a.crop(i, dst[i*f.size:(i+1)*f.size])
		}
		if labels != nil {
			labels[i] = file.label
		}
	}
	return nil
}

// failed is the error of a file.
func (f *Folder) failed(file *folderFile, err error) error {
	return fmt.Errorf("data: folder: %s: %w; remove it, or leave such images out (SkipBroken, --skip-broken)",
		path.Join(f.container.path, file.name), err)
}

// image gives the pixels of image i, from the cache or decoded into s.
func (f *Folder) image(i int, s *folderScratch) ([]uint8, error) {
	whole := image.Rect(0, 0, f.files[i].width, f.files[i].height)
	if f.pixels == nil {
		return s.pixels, f.decode(i, s.pixels, whole, s)
	}
	place := f.pixels[i*f.size : (i+1)*f.size]
	if f.filled[i].Load() == cacheFull {
		return place, nil
	}
	if !f.filled[i].CompareAndSwap(cacheEmpty, cacheFilling) {
		// Another goroutine is at it just now. Decoding it twice is simpler than waiting, and rare.
		return s.pixels, f.decode(i, s.pixels, whole, s)
	}
	if err := f.decode(i, place, whole, s); err != nil {
		f.filled[i].Store(cacheEmpty)
		return nil, err
	}
	f.filled[i].Store(cacheFull)
	return place, nil
}

// decode writes a part of image i, resized.
func (f *Folder) decode(i int, dst []uint8, part image.Rectangle, s *folderScratch) error {
	file, err := f.container.read(f.files[i].member, s.file)
	if err != nil {
		return err
	}
	if f.files[i].held == nil {
		s.file = file // grown, for the next one
	}
	img, h, err := decodeImage(file, f.options.MaxPixels)
	if err != nil {
		return err
	}
	if was := f.files[i]; h.width != was.width || h.height != was.height {
		return fmt.Errorf("%w: it was %dx%d pixels when it was listed and is %dx%d now", ErrBroken, was.width, was.height, h.width, h.height)
	}
	writePixels(dst, img, part, f.shape[0], f.shape[1], f.shape[2])
	return nil
}
