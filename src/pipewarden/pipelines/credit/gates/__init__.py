"""Gates: is the model good and honest, and should it take the champion's place now?"""
