import { crashMatrix } from "./support/matrix.ts";

// Every place of both releases is in the long suite: it takes some minutes.
crashMatrix(5);
