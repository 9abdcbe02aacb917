package data

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	scale "golang.org/x/image/draw"
	"golang.org/x/image/riff"
	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
	"golang.org/x/image/webp"
)

// codec reads one format of image files. It is found by a file's first bytes; the name's suffix does not matter.
type codec struct {
	name   string
	magic  string // ? stands for any byte
	header func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var codecs = []codec{
	{"jpeg", "\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
	{"png", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"gif", "GIF8?a", gif.DecodeConfig, gif.Decode},
	{"bmp", "BM", bmp.DecodeConfig, bmp.Decode},
	{"webp", "RIFF????WEBP", webpHeader, webp.Decode},
}

// imageHeader is what the first bytes of an image file say.
type imageHeader struct {
	codec         *codec
	width, height int
}

// readHeader reads no more of r than an image's header, and refuses an image of more than maxPixels, before memory is
// taken for it. Errors wrap ErrBroken or ErrUnsupported.
func readHeader(r io.Reader, maxPixels int) (h imageHeader, err error) {
	buffered := bufio.NewReaderSize(r, 512)
	first, err := buffered.Peek(12)
	if len(first) == 0 && err != nil {
		return h, fmt.Errorf("%w: it is empty", ErrBroken)
	}
	for i := range codecs {
		if matches(first, codecs[i].magic) {
			h.codec = &codecs[i]
		}
	}
	if h.codec == nil {
		return h, fmt.Errorf("%w: it starts with % x, which is neither JPEG, PNG, GIF, BMP nor WebP", ErrBroken, first)
	}
	config, err := h.codec.header(buffered)
	if err != nil {
		return h, imageError(h.codec, err)
	}
	h.width, h.height = config.Width, config.Height
	if h.width < 1 || h.height < 1 {
		return h, fmt.Errorf("%w: %s of %dx%d pixels", ErrBroken, h.codec.name, h.width, h.height)
	}
	if h.width > maxPixels/h.height {
		return h, fmt.Errorf("%s of %dx%d pixels is %w; at most %d pixels are (MaxPixels)", h.codec.name, h.width, h.height, ErrUnsupported, maxPixels)
	}
	return h, nil
}

func matches(file []byte, magic string) bool {
	if len(file) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && file[i] != magic[i] {
			return false
		}
	}
	return true
}

// imageError sorts a decoder's error into broken and not supported.
func imageError(c *codec, err error) error {
	var jpegLacks jpeg.UnsupportedError
	var pngLacks png.UnsupportedError
	if errors.As(err, &jpegLacks) || errors.As(err, &pngLacks) || errors.Is(err, bmp.ErrUnsupported) {
		return fmt.Errorf("%w: %s: %w", ErrUnsupported, c.name, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrBroken, c.name, whole(err))
}

// webpHeader gives the size that webp.Decode will decode. webp.DecodeConfig gives the canvas's, where there is one, but memory is
// taken for the frame inside, so the two must agree.
func webpHeader(r io.Reader) (config image.Config, err error) {
	_, chunks, err := riff.NewReader(r)
	if err != nil {
		return config, err
	}
	var canvas image.Point
	for {
		id, size, chunk, err := chunks.Next()
		if err != nil {
			return config, whole(err)
		}
		switch id {
		case riff.FourCC{'V', 'P', '8', 'X'}:
			var b [10]byte
			if _, err := io.ReadFull(chunk, b[:]); err != nil {
				return config, whole(err)
			}
			if b[0]&2 != 0 {
				return config, fmt.Errorf("animations are %w", ErrUnsupported)
			}
			canvas.X = 1 + int(binary.LittleEndian.Uint32(b[3:])>>8)
			canvas.Y = 1 + int(binary.LittleEndian.Uint32(b[6:])>>8)
			continue
		case riff.FourCC{'V', 'P', '8', ' '}:
			d := vp8.NewDecoder()
			d.Init(chunk, int(min(size, 1<<30)))
			frame, err := d.DecodeFrameHeader()
			if err != nil {
				return config, whole(err)
			}
			config.Width, config.Height = frame.Width, frame.Height
		case riff.FourCC{'V', 'P', '8', 'L'}:
			if config, err = vp8l.DecodeConfig(chunk); err != nil {
				return config, whole(err)
			}
		default:
			continue
		}
		if canvas != (image.Point{}) && canvas != image.Pt(config.Width, config.Height) {
			return config, fmt.Errorf("a frame of %dx%d pixels on a canvas of %dx%d", config.Width, config.Height, canvas.X, canvas.Y)
		}
		return config, nil
	}
}

// decodeImage decodes a whole image file; of a GIF the first frame, on black where it does not fill the picture.
//
// Errors wrap ErrBroken or ErrUnsupported.
func decodeImage(file []byte, maxPixels int) (image.Image, imageHeader, error) {
	h, err := readHeader(bytes.NewReader(file), maxPixels)
	if err != nil {
		return nil, h, err
	}
	img, err := h.codec.decode(bytes.NewReader(file))
	if err != nil {
		return nil, h, imageError(h.codec, err)
	}
	b := img.Bounds()
	screen := image.Rect(0, 0, h.width, h.height)
	if b == screen {
		return img, h, nil
	}
	if h.codec.name != "gif" {
		return nil, h, fmt.Errorf("%w: %s of %dx%d pixels whose header says %dx%d", ErrBroken, h.codec.name, b.Dx(), b.Dy(), h.width, h.height)
	}
	canvas := image.NewRGBA(screen)
	draw.Draw(canvas, screen, image.Black, image.Point{}, draw.Src)
	draw.Draw(canvas, b, opaque(img), image.Point{}, draw.Src)
	return canvas, h, nil
}

// writePixels writes a part of an image as dst [H,W,C] with C 3 (red, green, blue) or 1 (luma), resized where its size is another.
// The image's upper left corner counts as (0,0).
//
// Transparency is dropped, not blended, as TensorFlow does when it is asked for three channels.
func writePixels(dst []uint8, img image.Image, part image.Rectangle, h, w, c int) {
	var flat image.Image
	if c == 1 {
		flat = grey(img)
	} else {
		flat = opaque(img)
	}
	if part.Dx() != w || part.Dy() != h {
		// Bilinear; when it shrinks, its triangle is as wide as what becomes one pixel, as Keras's antialias=True.
		resized := image.NewRGBA(image.Rect(0, 0, w, h))
		scale.BiLinear.Scale(resized, resized.Rect, flat, part, scale.Src, nil)
		flat, part = resized, resized.Rect
	}
	switch flat := flat.(type) {
	case *image.Gray:
		for y := range h {
			copy(dst[y*w:(y+1)*w], flat.Pix[flat.PixOffset(part.Min.X, part.Min.Y+y):])
		}
	case *image.RGBA:
		for y := range h {
			row := flat.Pix[flat.PixOffset(part.Min.X, part.Min.Y+y):][:4*w]
			out := dst[y*w*c : (y+1)*w*c]
			for x := range w {
				copy(out[x*c:(x+1)*c], row[4*x:])
			}
		}
	}
}

// opaque gives an image's colours at (0,0), with the alpha of every pixel 255.
func opaque(img image.Image) *image.RGBA {
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	switch src := img.(type) {
	case *image.NYCbCrA:
		img = &src.YCbCr
	case *image.NRGBA:
		for y := range b.Dy() {
			copy(dst.Pix[y*dst.Stride:][:4*b.Dx()], src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):])
		}
		return withoutAlpha(dst)
	case *image.NRGBA64: // big endian: the high byte first
		for y := range b.Dy() {
			row := src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):][:8*b.Dx()]
			for x := range 4 * b.Dx() {
				dst.Pix[y*dst.Stride+x] = row[2*x]
			}
		}
		return withoutAlpha(dst)
	case *image.Paletted:
		var colours [256]color.RGBA
		for i, p := range src.Palette {
			n := color.NRGBAModel.Convert(p).(color.NRGBA)
			colours[i] = color.RGBA{R: n.R, G: n.G, B: n.B, A: 255}
		}
		for y := range b.Dy() {
			for x, p := range src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
				dst.SetRGBA(x, y, colours[p])
			}
		}
		return dst
	}
	// The other images that decoders give have no transparency.
	draw.Draw(dst, dst.Rect, img, b.Min, draw.Src)
	return withoutAlpha(dst)
}

func withoutAlpha(img *image.RGBA) *image.RGBA {
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	return img
}

// grey gives an image's luma at (0,0): that of JPEG as it is stored, else 0.299 red + 0.587 green + 0.114 blue.
func grey(img image.Image) *image.Gray {
	b := img.Bounds()
	dst := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	switch src := img.(type) {
	case *image.Gray:
		for y := range b.Dy() {
			copy(dst.Pix[y*dst.Stride:][:b.Dx()], src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):])
		}
	case *image.YCbCr:
		for y := range b.Dy() {
			copy(dst.Pix[y*dst.Stride:][:b.Dx()], src.Y[src.YOffset(b.Min.X, b.Min.Y+y):])
		}
	default:
		draw.Draw(dst, dst.Rect, opaque(img), image.Point{}, draw.Src)
	}
	return dst
}
