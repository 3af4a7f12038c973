export const wording = "Hello";
