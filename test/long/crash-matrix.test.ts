import { crashMatrix } from "../crash/support/matrix.ts";

crashMatrix(1);
