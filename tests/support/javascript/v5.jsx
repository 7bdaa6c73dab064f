import "./v4.jsx"; // the same names, of another package: build.mjs says which
