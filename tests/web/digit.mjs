/* digit.mjs -- an image for the network of digits, as PGM. */

/* A seven, about. */
export function digitImage() {
    const pixels = Buffer.alloc(784);

    for (let y = 5; y < 24; y++)
        for (let x = 6; x < 22; x++)
            if (y < 8 || Math.abs(x - (20 - (y - 8) * .6)) < 1.6)
                pixels[28 * y + x] = 250;
    return Buffer.concat([Buffer.from("P5\n28 28\n255\n"), pixels]);
}
