package pgtest

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// eased eases, or ends the server.
func (s *Server) eased() error {
	if err := s.ease(); err != nil {
		return errors.Join(fmt.Errorf("setting the server's password: %w", err), s.end(immediate))
	}
	return nil
}

// ease has the server keep its password in a form that is quick to prove. A proof
// is otherwise 4096 rounds of hashing, on every connection, so that a password is
// slow to guess: this one is as long as a key, and lives as long as the tests.
func (s *Server) ease() error {
	proof, err := verifier(s.password)
	if err != nil {
		return err
	}
	return s.exec("alter role cxm password '" + proof + "'")
}

// verifier is what PostgreSQL keeps of a password (RFC 5803), after one round.
func verifier(password string) (string, error) {
	const rounds = 1
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, text(salt), text(stored[:]), text(keyed(salted, "Server Key"))), nil
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
