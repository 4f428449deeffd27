"""`python -m asr.model.recipe --out FOLDER`: make the speech model."""

from asr.model.recipe.stages import main

if __name__ == "__main__":
    main()
