package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal with so many columns: what its user sees, and what a program writes to.
func openTerminal(t *testing.T, columns uint16) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	return screen, program
}

// On a terminal there is a bar with everything on it, lines stand above it, and it is gone at the end.
func TestBarOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	screen, end := openTerminal(t, 140)
	read := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(screen) // it ends with an error when the program's end closes
		read <- string(text)
	}()
	require.True(t, isTerminal(end))
	p := NewProgress(end, ProgressOptions{Epochs: 3, StepsPerEpoch: 10, Metrics: []string{"loss"}})
	for epoch := range 2 {
		p.EpochBegin(epoch, 0.5)
		for i := range 5 {
			time.Sleep(60 * time.Millisecond)
			p.Step(i+1, 100, 0.5, func() map[string]float64 { return map[string]float64{"loss": 0.25} })
		}
		p.TestBegin(4)
		p.TestStep(1)
		time.Sleep(400 * time.Millisecond)
		p.Println("saved it")
		p.Println(strings.Repeat("a long line ", 20))
		p.EpochEnd(map[string]float64{"loss": 0.25}, 0.5)
	}
	require.NoError(t, p.Close())
	require.NoError(t, end.Close())
	var text string
	select {
	case text = <-read:
	case <-time.After(20 * time.Second):
		require.Fail(t, "the terminal is still open")
	}
	assert.Regexp(t, `epoch 1/3 +━+─+ +\d0%  [\d,]+ img/s  loss 0.2500  lr 5.000e-01  0:0\d left  run 0:0\d`, text)
	assert.Contains(t, text, "validation 1/4")
	assert.Regexp(t, `saved it\r\n`, text)
	assert.Regexp(t, `a long\r\n  line a long`, text, "lines are broken between words")
	assert.Regexp(t, `epoch 2/3  [\d.]+s  [\d,]+ img/s  loss 0.2500  lr 5.000e-01\r\n`, text)
	assert.True(t, strings.HasSuffix(text, "\r\n\x1b[1A\x1b[J"), "one line up and erased: the bar is gone, %q", text[max(0, len(text)-80):])

	t.Setenv("TERM", "dumb")
	_, end = openTerminal(t, 80)
	assert.False(t, isTerminal(end))
	require.NoError(t, end.Close())
}

// A terminal that does not know its size, as one of a script, gets lines as they are.
func TestLinesOnATerminalWithoutASize(t *testing.T) {
	screen, end := openTerminal(t, 0)
	read := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(screen)
		read <- string(text)
	}()
	b := newBarScreen(end, ProgressOptions{})
	require.NoError(t, b.line("epoch 1/3  0.8s  loss 0.25"))
	require.NoError(t, b.close())
	require.NoError(t, end.Close())
	assert.Contains(t, <-read, "epoch 1/3  0.8s  loss 0.25\r\n")
}
