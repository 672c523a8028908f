// Proves lines of a log from its tiles with golang.org/x/mod/sumdb/tlog: tiles LOG_VKEY FOLDER.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// folder has tiles under the paths of tlog-tiles, which leave out the height.
type folder string

func (f folder) Height() int                       { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		found = append(found, f.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
	}
	return found, nil
}

func (f folder) read(path string) []byte {
	data, err := os.ReadFile(filepath.Join(string(f), path))
	check(err)
	return data
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	dir := folder(os.Args[2])
	key, err := note.NewVerifier(os.Args[1])
	check(err)
	said, err := note.Open(dir.read("checkpoint"), note.VerifierList(key))
	check(err)
	text := strings.Split(said.Text, "\n")
	size, err := strconv.ParseInt(text[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(text[2])
	check(err)
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, dir)
	proved, index := 0, int64(0)
	for number := int64(0); number*256 < size; number++ {
		tile := tlog.Tile{H: 8, L: 0, N: number, W: int(min(256, size-number*256))}
		entries := dir.read(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
		for ; len(entries) > 0; index++ {
			length := binary.BigEndian.Uint16(entries)
			entry := entries[2 : 2+length]
			entries = entries[2+length:]
			if index%211 != 0 && index != size-1 {
				continue
			}
			proof, err := tlog.ProveRecord(size, index, reader)
			check(err)
			check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)))
			proved++
		}
	}
	fmt.Printf("%d of %d lines proved", proved, index)
}
