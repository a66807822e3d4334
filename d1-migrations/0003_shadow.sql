-- What policies in shadow mode would have made of an act: JSON, NULL where they
-- had no say in it.
ALTER TABLE audit ADD COLUMN shadow TEXT;
