//go:build linux

package watch

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"drydock/verify/probe/wire"
)

const (
	answerTime = 10 * time.Second
	mostBody   = 64 << 20 // bytes; what follows isn't hashed
	mostHead   = 64 << 10
)

var errTime = errors.New("no more came within 10 s")

// A conn is a TCP connection over the socket itself: package net would double the probe's size.
type conn struct {
	fd    int
	until time.Time
}

func dial(to netip.Addr, port int) (*conn, error) {
	family := syscall.AF_INET
	var addr syscall.Sockaddr = &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	switch {
	case to.Is4():
		addr = &syscall.SockaddrInet4{Port: port, Addr: to.As4()}
	case to.Is6():
		family, addr = syscall.AF_INET6, &syscall.SockaddrInet6{Port: port, Addr: to.As16()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd, until: time.Now().Add(answerTime)}
	if err := c.limit(); err == nil {
		err = syscall.Connect(fd, addr)
		if err == nil {
			return c, nil
		}
		c.close()
		return nil, err
	}
	c.close()
	return nil, errTime
}

// limit bounds the next call by what is left of the time.
func (c *conn) limit() error {
	left := time.Until(c.until)
	if left <= 0 {
		return errTime
	}
	tv := syscall.NsecToTimeval(left.Nanoseconds())
	if tv.Sec == 0 && tv.Usec < 1000 {
		tv.Usec = 1000 // 0 would be for ever
	}
	if err := syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv); err != nil {
		return err
	}
	return syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv)
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		if err := c.limit(); err != nil {
			return 0, err
		}
		n, err := syscall.Read(c.fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, errTime
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (c *conn) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		if err := c.limit(); err != nil {
			return done, err
		}
		// MSG_NOSIGNAL: who hangs up must not end the probe.
		err := syscall.Sendto(c.fd, p[done:], syscall.MSG_NOSIGNAL, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return done, errTime
		case err != nil:
			return done, err
		}
		done = len(p) // requests are smaller than any socket buffer, so they go at once or not at all
	}
	return done, nil
}

func (c *conn) close() { _ = syscall.Close(c.fd) } // nothing to do about it

// request asks once. Redirects aren't followed. The body comes back for its links, up to mostHead bytes.
func request(to netip.Addr, port int, ask wire.Get) (wire.Reply, []byte) {
	r := wire.Reply{Port: port, Method: ask.Method, Path: ask.Path, Speaks: wire.Other}
	c, err := dial(to, port)
	if err != nil {
		r.Err = err.Error()
		return r, nil
	}
	defer c.close()
	_, err = io.WriteString(c, ask.Method+" "+ask.Path+" HTTP/1.1\r\nHost: localhost:"+strconv.Itoa(port)+
		"\r\nUser-Agent: drydock-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n")
	if err != nil {
		r.Err = err.Error()
		return r, nil
	}
	in := bufio.NewReaderSize(c, 32<<10)
	var head map[string]string
	for { // past interim replies, 100 and 103
		start, err := in.Peek(5)
		if string(start) != "HTTP/" {
			return foreign(r, in, err), nil
		}
		r.Speaks = wire.HTTP
		if r.Status, head, err = header(in); err != nil {
			r.Err = err.Error()
			return r, nil
		}
		if r.Status >= 200 || r.Status == 101 {
			break
		}
	}
	r.Type, r.To = head["content-type"], head["location"]
	for _, name := range wire.Told {
		if value, ok := head[name]; ok {
			if name == "set-cookie" {
				value, _, _ = strings.Cut(value, "=")
			}
			r.Head += name + ": " + value[:min(len(value), 512)] + "\n"
		}
	}
	if ask.Method == "HEAD" || r.Status == 204 || r.Status == 304 || r.Status == 101 {
		return r, nil
	}
	keep := &prefix{}
	sum := sha256.New()
	r.Size, err = body(io.MultiWriter(sum, keep), in, head)
	if err != nil {
		r.Err = err.Error()
	}
	r.Body, r.SHA256 = string(keep.b[:min(len(keep.b), keepBytes)]), hex.EncodeToString(sum.Sum(nil))
	return r, keep.b
}

// foreign notes an answer that isn't HTTP: a greeting, an error, an alert of TLS, or silence.
func foreign(r wire.Reply, in *bufio.Reader, err error) wire.Reply {
	first, _ := in.Peek(in.Buffered())
	if len(first) >= 2 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3 {
		r.Speaks = wire.TLS
		return r
	}
	r.Body = string(first[:min(len(first), 256)])
	switch {
	case len(first) > 0:
	case errors.Is(err, io.EOF):
		r.Err = "the connection was closed without an answer"
	case err != nil:
		r.Err = err.Error()
	}
	return r
}

// header reads a status line and the fields after it, their names in small letters.
func header(in *bufio.Reader) (status int, fields map[string]string, err error) {
	fields = map[string]string{}
	for size := 0; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, nil, errors.New("the answer ends in its header: " + err.Error())
		}
		if size += len(line); size > mostHead {
			return 0, nil, errors.New("the answer's header has no end")
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case status == 0:
			word := strings.Fields(line)
			if len(word) < 2 {
				return 0, nil, errors.New("no status in the answer's first line")
			}
			if status, err = strconv.Atoi(word[1]); err != nil || status < 100 {
				return 0, nil, errors.New("no status in the answer's first line")
			}
		case line == "":
			return status, fields, nil
		default:
			name, value, _ := strings.Cut(line, ":")
			name = strings.ToLower(strings.TrimSpace(name))
			if _, twice := fields[name]; !twice {
				fields[name] = strings.TrimSpace(value)
			}
		}
	}
}

// body copies what follows the header: chunks, Content-Length bytes, or all up to the end of the connection.
func body(to io.Writer, in *bufio.Reader, head map[string]string) (int64, error) {
	if strings.HasSuffix(strings.ToLower(head["transfer-encoding"]), "chunked") {
		var size int64
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return size, errors.New("the answer ends between chunks: " + err.Error())
			}
			word, _, _ := strings.Cut(strings.TrimSpace(line), ";")
			n, err := strconv.ParseInt(strings.TrimSpace(word), 16, 64)
			if err != nil || n < 0 {
				return size, errors.New("a chunk of the answer has no size")
			}
			if n == 0 {
				return size, nil // trailers tell nothing
			}
			if size+n > mostBody {
				return size, nil
			}
			got, err := io.CopyN(to, in, n)
			if size += got; err != nil {
				return size, errors.New("the answer ends in a chunk: " + err.Error())
			}
			if _, err := in.ReadString('\n'); err != nil {
				return size, errors.New("the answer ends after a chunk: " + err.Error())
			}
		}
	}
	if text := head["content-length"]; text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return 0, errors.New("the answer's Content-Length is no number")
		}
		got, err := io.CopyN(to, in, min(n, mostBody))
		if err != nil {
			return got, errors.New("the answer ends before its Content-Length: " + err.Error())
		}
		return got, nil
	}
	return io.Copy(to, io.LimitReader(in, mostBody))
}

// A prefix keeps the first mostHead bytes written to it.
type prefix struct{ b []byte }

func (p *prefix) Write(b []byte) (int, error) {
	p.b = append(p.b, b[:min(len(b), mostHead-len(p.b))]...)
	return len(b), nil
}

// hello is a ClientHello of TLS 1.2 with common cipher suites and no extensions: whoever speaks TLS answers with a handshake or an alert.
// Layout: RFC 5246, section 7.4.1.2.
func hello() []byte {
	b := []byte{0x16, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3}
	b = append(b, make([]byte, 32)...) // the random; ours needs to hide nothing
	b = append(b, 0)                   // no session
	suites := []byte{0xc0, 0x2f, 0xc0, 0x2b, 0xc0, 0x30, 0xc0, 0x2c, 0x00, 0x9c, 0x00, 0x2f, 0x00, 0x35, 0x00, 0xff}
	b = append(append(b, 0, byte(len(suites))), suites...)
	b = append(b, 1, 0) // no compression
	b[4], b[8] = byte(len(b)-5), byte(len(b)-9)
	return b
}

// speaksTLS asks with a handshake.
func speaksTLS(to netip.Addr, port int) bool {
	c, err := dial(to, port)
	if err != nil {
		return false
	}
	defer c.close()
	c.until = time.Now().Add(2 * time.Second)
	if _, err := c.Write(hello()); err != nil {
		return false
	}
	buf := make([]byte, 3)
	n, _ := io.ReadFull(c, buf)
	return n == 3 && (bytes.HasPrefix(buf, []byte{0x16, 3}) || bytes.HasPrefix(buf, []byte{0x15, 3}))
}
